import Encodings
public import RATS

/// One item of a bundle.
public struct CollateralBundleItem: Sendable, Hashable {
    /// Its name.
    public let name: CollateralName
    /// The item.
    public let item: CollateralItem
    /// Where it was had from, for people.
    public let source: String

    /// An item from its parts.
    public init(name: CollateralName, item: CollateralItem, source: String) {
        self.name = name
        self.item = item
        self.source = source
    }

    /// `{name, source, body, issuerChain}`, bytes as base64.
    var json: JSONObject {
        [
            "name": .string(name.path), "source": .string(source), "body": .string(Base64.encode(item.body)),
            "issuerChain": .array(item.issuerChain.map { .string(Base64.encode($0)) }),
        ]
    }

    /// Reads what ``json`` gave; nil for anything else.
    init?(json: JSONObject) {
        guard Set(json.names) == ["name", "source", "body", "issuerChain"],
            let name = json["name"]?.stringValue.flatMap({ CollateralName($0) }),
            let source = json["source"]?.stringValue, source.utf8.count <= 1_024,
            let body = json["body"]?.stringValue.flatMap({ try? Base64.decode($0) }),
            let list = json["issuerChain"]?.arrayValue, list.count <= CollateralLimits.certificates
        else { return nil }
        let chain = list.compactMap { $0.stringValue.flatMap { try? Base64.decode($0) } }
        guard chain.count == list.count else { return nil }
        self.init(name: name, item: CollateralItem(body: body, issuerChain: chain), source: source)
    }
}
