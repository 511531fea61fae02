import Encodings
import Foundation
import Yams

/// A request as it arrived.
struct IncomingRequest: Sendable {
    let method: String
    let path: String
    let query: [String: String]
    /// By names in lower case.
    let headers: [String: String]
    let body: [UInt8]

    init(method: String, target: String, headers: [String: String], body: [UInt8]) {
        self.method = method
        self.headers = headers
        self.body = body
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(parts[0])
        var query: [String: String] = [:]
        for pair in parts.count > 1 ? parts[1].split(separator: "&") : [] {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            query[Self.decoded(sides[0])] = sides.count > 1 ? Self.decoded(sides[1]) : ""
        }
        self.query = query
    }

    private static func decoded(_ text: Substring) -> String {
        text.replacing("+", with: "%20").removingPercentEncoding ?? String(text)
    }

    var segments: [String] { path.split(separator: "/").map { Self.decoded($0) } }
    func flag(_ name: String) -> Bool { ["1", "true"].contains(query[name]?.lowercased() ?? "") }

    /// The body as an object: JSON, or YAML or protocol buffers where the content type says so.
    func object() throws -> JSONObject {
        let type = headers["content-type"] ?? ""
        if type.contains("protobuf") { return try ProtocolBuffers.object(in: body) }
        guard !type.contains("cbor") else {
            throw APIStatus(
                415, "UnsupportedMediaType", "this server reads JSON, YAML and protocol buffers, not \(type)")
        }
        do {
            return try JSONObject(parsing: body, limits: JSONLimits(maximumBytes: 3_145_728, maximumDepth: 128))
        } catch {
            guard type.contains("yaml") else { throw APIStatus.badRequest("the body is not JSON: \(error)") }
        }
        return try YAMLObjects.objects(in: String(decoding: body, as: UTF8.self)).first ?? [:]
    }

    func array() throws -> [JSONValue] {
        guard let value = try? JSONValue(parsing: body), let list = value.arrayValue else {
            throw APIStatus.badRequest("the body is not a JSON array")
        }
        return list
    }

    /// Who wrote, as managed fields name it.
    var fieldManager: String {
        if let name = query["fieldManager"], !name.isEmpty { return name }
        return (headers["user-agent"] ?? "unknown").split(separator: "/").first.map(String.init) ?? "unknown"
    }

    var bearerToken: String? {
        guard let value = headers["authorization"], value.lowercased().hasPrefix("bearer ") else { return nil }
        return String(value.dropFirst(7))
    }
}

/// Reads YAML documents into JSON.
package enum YAMLObjects {
    /// The documents of a text that are mappings.
    package static func objects(in text: String) throws -> [JSONObject] {
        do {
            return try Yams.compose_all(yaml: text).compactMap { value($0).objectValue }
        } catch {
            throw APIStatus.badRequest("the body is not YAML: \(error)")
        }
    }

    private static func value(_ node: Node) -> JSONValue {
        switch node {
        case .mapping(let mapping):
            return .object(JSONObject(mapping.map { ($0.key.string ?? "", value($0.value)) }))
        case .sequence(let sequence): return .array(sequence.map(value))
        case .scalar(let scalar):
            guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
            if let flag = node.bool { return .bool(flag) }
            if let number = node.int { return .int(Int64(number)) }
            if node.null != nil { return .null }
            if let number = node.float, number.isFinite { return .double(number) }
            return .string(scalar.string)
        case .alias: return .null
        }
    }
}

extension YAMLObjects {
    private static func compose_all(yaml: String) throws -> [Node] { Array(try Yams.compose_all(yaml: yaml)) }
}
