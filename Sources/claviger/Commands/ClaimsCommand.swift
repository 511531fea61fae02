import ArgumentParser
import Encodings
import Policy
import RATS

struct ClaimsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "claims", abstract: "Explain what evidence states, and so what policies can ask for.",
        discussion: "Without a TEE: the kinds of guest, and what stands beside their claims.")

    @Argument(help: "A kind of guest or device, such as snp or tdx.")
    var tee: String?

    @Option(help: "Only claims that mention this text, in whatever case.")
    var search: String?

    @Flag(help: "Print the whole catalogue as a page of documentation (Markdown).")
    var markdown = false

    @OptionGroup var output: OutputOptions

    func run() throws {
        guard !markdown else { return Terminal.write(Array(ClaimsPage.markdown().utf8)) }
        let families = try tee.map { [ClaimFamily.of(try Self.parse($0))] } ?? ClaimFamily.all
        let listing = ClaimsListing(families: families, search: search, isWhole: tee == nil)
        guard !listing.isEmpty else {
            throw CommandFailure("no claim mentions '\(search ?? "")'", status: .notFound)
        }
        output.print(listing.json()) { listing.text(width: Terminal.width) }
    }

    private static func parse(_ name: String) throws -> TEE {
        if let tee = TEE(wireName: name) { return tee }
        let names = ClaimFamily.all.map(\.tee.rawValue).joined(separator: ", ")
        throw CommandFailure("there is no kind of guest '\(name)'; there are \(names)", status: .notFound)
    }
}

/// A part of the catalogue, for people and for programs.
struct ClaimsListing {
    private let parts: [(family: ClaimFamily, rows: [ClaimRow])]
    private let beside: [ClaimRow]
    private let isOverview: Bool

    /// The claims of these families that mention `search`; with the whole catalogue also what stands beside them.
    init(families: [ClaimFamily], search: String?, isWhole: Bool) {
        func found(_ rows: [ClaimRow]) -> [ClaimRow] {
            rows.filter { row in search.map(row.mentions) ?? true }
        }
        parts = families.map { ($0, found($0.claims.rows)) }.filter { !$0.1.isEmpty }
        beside = isWhole ? found(ExpressionVariables.listed) : []
        isOverview = isWhole && search == nil
    }

    var isEmpty: Bool { parts.isEmpty && beside.isEmpty }

    func json() -> JSONValue {
        var object: JSONObject = ["tees": .array(parts.map { $0.family.json($0.rows) })]
        if !beside.isEmpty { object["beside"] = .array(beside.map { $0.json() }) }
        return .object(object)
    }

    func text(width: Int) -> String {
        if isOverview { return overview(width) }
        let details = parts.map { part in heading(part.family, width) + list(part.rows, width) }
        return (details + (beside.isEmpty ? [] : ["Beside the claims\n\n" + list(beside, width)])).joined(
            separator: "\n")
    }

    private func overview(_ width: Int) -> String {
        var table = Table(["TEE", "CLAIMS", "IS"])
        for part in parts { table.add([part.family.tee.rawValue, String(part.rows.count), part.family.title]) }
        var names = WrappedList(width: width, indent: 30)
        for row in beside where Self.isTop(row.path) {
            names.add(row.path, [row.claim.meaning])
        }
        return table.text() + "\nBeside the claims of the TEE, in release policies:\n\n" + names.finished()
            + "\n`claviger claims TEE` explains the claims of one kind, `claviger claims --search WORD` finds a word.\n"
    }

    private static func isTop(_ path: String) -> Bool {
        let name = path.hasPrefix("claims.") ? path.dropFirst("claims.".count) : path[...]
        return !name.contains(".") && !name.contains("[")
    }

    private func heading(_ family: ClaimFamily, _ width: Int) -> String {
        let about = WrappedList.wrap("In release policies: \(family.expression). \(family.about)", width)
        return "\(family.tee.rawValue): \(family.title)\n" + about.joined(separator: "\n") + "\n\n"
    }

    private func list(_ rows: [ClaimRow], _ width: Int) -> String {
        let longest = rows.map(\.path.count).max() ?? 0
        var list = WrappedList(width: width, indent: min(longest + 2, 34, width / 2))
        for row in rows {
            let presence = row.claim.presence == .always ? "" : " (\(row.claim.presence.rawValue))"
            let example = row.claim.type.members.isEmpty ? "example: \(row.shortExample); " : ""
            list.add(
                row.path,
                ["\(row.claim.type.summary)\(presence)", row.claim.meaning, "\(example)from: \(row.claim.source)"])
        }
        return list.finished()
    }
}
