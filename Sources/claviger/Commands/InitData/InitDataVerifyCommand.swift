import ArgumentParser
import Encodings
import KBSProtocol
import RATS

struct InitDataVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Compare a document with a digest, with what hardware shows, or with an annotation.",
        discussion: "Ends with status 1 when they differ.")

    @Argument(help: "The document in any form; - for standard input.")
    var document: String

    @Option(help: "A digest, or the value of a hardware's field, hexadecimal.")
    var against: String?

    @Option(help: "Only what this kind of hardware shows counts, for example snp or tdx.")
    var tee: String?

    @Option(help: "A file with the value of a pod's annotation (or the document in another form).")
    var annotation: String?

    func validate() throws {
        guard (against == nil) != (annotation == nil) else {
            throw ValidationError("Give either --against or --annotation.")
        }
        guard tee == nil || against != nil else { throw ValidationError("--tee goes with --against.") }
    }

    func run() throws {
        let initData = try InitDataDocument.read(document)
        if let annotation { return try compare(initData, with: InitDataDocument.read(annotation), annotation) }
        guard let against, let value = try? Hex.decode(against.lowercased()), value.count >= 32 else {
            throw ValidationError("--against is hexadecimal, of at least 32 bytes")
        }
        guard let meaning = try meaning(of: value, initData) else {
            throw CommandFailure(
                "\(document) is another document: its \(initData.algorithm.rawValue) digest is \(Hex.encode(initData.digest))"
            )
        }
        Terminal.write("\(document) is the document: the value is \(meaning)")
    }

    /// What a value is of the document; nil when it is nothing of it.
    private func meaning(of value: [UInt8], _ initData: InitData) throws -> String? {
        let kinds = try tee.map { name -> [TEE] in
            guard let kind = TEE(wireName: name) else { throw ValidationError("there is no kind of hardware \(name)") }
            guard initData.measurement(on: kind) != nil else {
                throw CommandFailure("\(name) shows nothing of init-data, or not of a digest of this length")
            }
            return [kind]
        }
        if kinds == nil, value == initData.digest { return "its digest" }
        for kind in kinds ?? TEE.allCases {
            if let measurement = initData.measurement(on: kind), measurement.value == value {
                return "\(measurement.field) of \(kind.rawValue)"
            }
        }
        return nil
    }

    private func compare(_ initData: InitData, with other: InitData, _ name: String) throws {
        let (left, right) = (Array(initData.text.utf8), Array(other.text.utf8))
        guard left != right else { return Terminal.write("\(document) and \(name) are the same document") }
        let position = zip(left, right).prefix { $0 == $1 }.count
        let line = left[..<position].count { $0 == 0x0A } + 1
        throw CommandFailure("\(document) and \(name) differ from byte \(position) on (line \(line))")
    }
}
