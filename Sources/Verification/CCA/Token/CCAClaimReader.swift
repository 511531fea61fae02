import Encodings
import RATS

/// The claims in the payload of one of the two tokens, whose errors say which token it was.
struct CCAClaimReader {
    let map: CBORMap
    /// The structure's name, for errors.
    let name: String

    init(_ payload: [UInt8], _ name: String, rules: CBORRules) throws(VerificationError) {
        let item: CBORValue
        do throws(CBORError) {
            item = try CBORValue(parsing: payload, rules: rules)
        } catch {
            throw .malformed("The \(name) is no acceptable CBOR. \(error.description).")
        }
        guard let map = item.mapValue else { throw .malformed("The \(name) is no map.") }
        self.init(map, name)
    }

    init(_ map: CBORMap, _ name: String) {
        self.map = map
        self.name = name
    }

    /// The sizes of SHA-256, SHA-384 and SHA-512.
    static let digestSizes: Set<Int> = [32, 48, 64]
    private static let maximumTextBytes = 1024

    /// A byte string of one of these sizes.
    func bytes(_ label: CBORValue, _ claim: String, _ sizes: Set<Int>) throws(VerificationError) -> [UInt8] {
        guard let bytes = map[label]?.bytesValue else { throw malformed("It has no \(claim).") }
        guard sizes.contains(bytes.count) else { throw malformed("Its \(claim) has \(bytes.count) bytes.") }
        return bytes
    }

    /// A byte string that is not empty.
    func bytes(_ label: CBORValue, _ claim: String, atMost limit: Int) throws(VerificationError) -> [UInt8] {
        guard let bytes = map[label]?.bytesValue else { throw malformed("It has no \(claim).") }
        guard (1...limit).contains(bytes.count) else { throw malformed("Its \(claim) has \(bytes.count) bytes.") }
        return bytes
    }

    /// A text that is not empty.
    func text(_ label: CBORValue, _ claim: String) throws(VerificationError) -> String {
        guard let text = try optionalText(label, claim) else { throw malformed("It has no \(claim).") }
        return text
    }

    /// A text that is not empty, if it is there.
    func optionalText(_ label: CBORValue, _ claim: String) throws(VerificationError) -> String? {
        guard let value = map[label] else { return nil }
        guard let text = value.textValue, (1...Self.maximumTextBytes).contains(text.utf8.count) else {
            throw malformed("Its \(claim) is no text of a sensible length.")
        }
        return text
    }

    /// A hash function by its name.
    func hash(_ label: CBORValue, _ claim: String) throws(VerificationError) -> CCAHash {
        let name = try text(label, claim)
        guard let hash = CCAHash(name: name) else { throw malformed("Its \(claim) is no hash function that is known.") }
        return hash
    }

    func malformed(_ reason: String) -> VerificationError {
        .malformed("The \(name) is not as it must be. \(reason)")
    }
}
