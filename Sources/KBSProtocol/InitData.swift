public import Encodings

/// The init-data document (TOML) that a guest was started with and that its hardware measured.
public struct InitData: Sendable, Hashable {
    /// The document as sent; the digest covers these exact bytes.
    public let text: String
    /// The hash algorithm that the document names.
    public let algorithm: HashAlgorithm
    /// The digest of the document.
    public let digest: [UInt8]
    /// The `data` table for policies: `cdh.toml` and `aa.toml` as objects where they parse, and the data of a Kata
    /// agent policy as `agent_policy_claims` instead of its Rego text.
    public let claims: JSONObject

    /// The greatest size of a document in bytes.
    public static let maximumBytes = 1_048_576

    /// Reads a document.
    ///
    /// Throws `init_data_refused` when it is too large, is no TOML, lacks `version`, `algorithm` or `data`, names an
    /// unknown algorithm, or holds data that is not text.
    public init(toml text: String) throws(KBSProtocolError) {
        guard text.utf8.count <= Self.maximumBytes else { throw .initDataRefused("It is too large.") }
        let document: JSONObject
        do {
            document = try TOMLDocument.parse(text)
        } catch {
            throw .initDataRefused("It is no valid TOML: \(error.message) (line \(error.line)).")
        }
        guard document["version"]?.stringValue != nil else { throw .initDataRefused("It has no version.") }
        guard let name = document["algorithm"]?.stringValue, let algorithm = HashAlgorithm(rawValue: name.lowercased())
        else {
            throw .initDataRefused("It names no known hash algorithm.")
        }
        guard let data = document["data"]?.objectValue else { throw .initDataRefused("It has no data.") }
        var claims = JSONObject()
        for (entry, value) in data {
            guard let content = value.stringValue else { throw .initDataRefused("It holds data that is not text.") }
            let (name, claim) = Self.claim(entry: entry, content: content)
            claims[name] = claim
        }
        self.text = text
        self.algorithm = algorithm
        self.claims = claims
        digest = algorithm.digest(of: Array(text.utf8))
    }

    private static func claim(entry: String, content: String) -> (name: String, value: JSONValue) {
        switch entry {
        case "cdh.toml", "aa.toml":
            if let table = try? TOMLDocument.parse(content) { return (entry, .object(table)) }
        case "policy.rego":
            if let data = agentPolicyData(in: content) { return ("agent_policy_claims", data) }
        default: break
        }
        return (entry, .string(content))
    }

    /// The JSON value that a generated Kata agent policy ends with, after `policy_data := `.
    private static func agentPolicyData(in rego: String) -> JSONValue? {
        let marker = Array("policy_data := {".utf8)
        let bytes = Array(rego.utf8)
        guard bytes.count >= marker.count else { return nil }
        var start = 0
        while start + marker.count <= bytes.count {
            if bytes[start] == marker[0], bytes[start..<start + marker.count].elementsEqual(marker) {
                return try? JSONValue(
                    parsing: Array(bytes[(start + marker.count - 1)...]), limits: JSONLimits(maximumDepth: 16))
            }
            start += 1
        }
        return nil
    }
}
