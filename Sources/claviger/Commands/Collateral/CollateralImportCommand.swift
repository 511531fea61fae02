import AdminClient
import ArgumentParser
import Collateral
import Encodings
import FoundationEssentials
import JOSE
import RATS

struct CollateralImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Have a broker take over collateral from files.",
        discussion: """
            A bundle of claviger collateral export is sent as it is. What other tools made is put into a bundle and signed with \
            --key first: files of Intel's PcsClientTool (--pcs-file) and folders of AMD's certificates as Trustee keeps them \
            (--kds-folder). Brokers take bundles of the keys in collateral.signatures.keys, and verify each item to its \
            manufacturer's root. The exit status is 1 when an item was refused.
            """)

    @Argument(help: "A signed bundle, or - for standard input.")
    var bundle: String?

    @Option(help: "A file of Intel's PcsClientTool.")
    var pcsFile: [String] = []

    @Option(help: "A folder that holds the folder vcek of Trustee's offline store.")
    var kdsFolder: [String] = []

    @Option(help: "The file with the private key that signs what is not a bundle yet: EC or Ed25519, PEM.")
    var key: String?

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        let isForeign = !pcsFile.isEmpty || !kdsFolder.isEmpty
        guard isForeign != (bundle != nil) else {
            throw ValidationError("Give either a bundle, or --pcs-file and --kds-folder.")
        }
        guard isForeign == (key != nil) else {
            throw ValidationError("--key signs what --pcs-file and --kds-folder name, and nothing else.")
        }
    }

    func run() async throws {
        let files = try bundle.map { [try InputFile.read($0, limit: CollateralBundle.maximumBytes)] } ?? made()
        let client = try broker.adminClient()
        var items: [JSONValue] = []
        for file in files { items += try await client.importCollateral(file)["items"]?.arrayValue ?? [] }
        let answer: JSONValue = ["items": .array(items)]
        output.print(answer) { Self.text(answer) }
        if items.contains(where: { $0["kept"] != true }) { throw ExitCode.failure }
    }

    static func text(_ answer: JSONValue) -> String {
        var table = Table(["NAME", "OUTCOME", "WHY"])
        for item in (answer["items"]?.arrayValue ?? []).compactMap(\.objectValue) {
            let outcome = item["kept"] == true ? "kept" : "refused: \(item.cell("code"))"
            table.add([item.cell("name"), outcome, item.cell("message")])
        }
        return table.text()
    }

    /// Bundles of everything in the named files.
    private func made() throws -> [[UInt8]] {
        var items: [CollateralName: CollateralBundleItem] = [:]
        func add(_ found: [CollateralName: CollateralItem], from source: String) {
            for (name, item) in found { items[name] = CollateralBundleItem(name: name, item: item, source: source) }
        }
        for path in pcsFile {
            let bytes = try InputFile.read(path, limit: IntelCollateralFile.maximumBytes)
            add(try IntelCollateralFile.items(in: bytes), from: "pcs-file")
        }
        for path in kdsFolder {
            let found = try AMDOfflineStore(folder: path).everything()
            for file in found.skipped {
                Terminal.note("passed over \(file): its name or its certificate does not say what it is for")
            }
            add(found.items, from: "kds-folder")
        }
        let signer = try SigningKey(pem: InputFile.text(key ?? "", limit: 65_536))
        return try Self.portions(items.values.sorted { $0.name < $1.name }).map { portion in
            try CollateralBundle(items: portion, created: Date()).signed(with: signer).serialized()
        }
    }

    /// The items in portions of which each fits into a bundle: folders of certificates can be large.
    static func portions(
        _ items: [CollateralBundleItem], bytes limit: Int = CollateralBundle.maximumBytes / 4
    ) -> [[CollateralBundleItem]] {
        var portions: [[CollateralBundleItem]] = []
        var room = 0
        for item in items {
            let size = item.item.issuerChain.reduce(item.item.body.count) { $0 + $1.count } + 512
            if portions.isEmpty || size > room {
                portions.append([])
                room = limit
            }
            portions[portions.count - 1].append(item)
            room -= size
        }
        return portions
    }
}
