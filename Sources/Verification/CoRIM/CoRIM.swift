package import Encodings
package import FoundationEssentials
package import X509Trust

/// A concise reference integrity manifest (draft-ietf-rats-corim): what a maker says of its devices, in CBOR.
///
/// Only what verifiers here need is read: the period in which it counts and its concise module identifiers (CoMID).
package struct CoRIM: Sendable {
    /// What it is called, bytes as hex; empty when it has no name.
    package let id: String
    /// The highest version of its module identifiers.
    package let version: Int64
    /// When it counts; `nil` for ever.
    package let validity: ClosedRange<Date>?
    /// The module identifiers.
    package let modules: [CBORMap]
    /// The key that signed it; `nil` when nobody did.
    package let signer: PublicKey?

    private static let unsignedTag: UInt64 = 501
    private static let moduleTag: UInt64 = 506
    private static let uuidTag: UInt64 = 37
    private static let contentTypes = ["application/corim-unsigned+cbor", "application/rim+cbor"]
    private static let rules = CBORRules(maximumBytes: 4 << 20, maximumDepth: 24, maximumItems: 1 << 18)

    /// Reads a manifest that nobody signed, so that only who brings it in answers for it.
    ///
    /// Throws ``CoRIMError``.
    package init(unsigned bytes: [UInt8]) throws(CoRIMError) {
        try self.init(unsigned: bytes, by: nil, signedFor: nil)
    }

    /// Reads a manifest that one of these keys signed (COSE_Sign1).
    ///
    /// Throws ``CoRIMError``.
    package init(signed bytes: [UInt8], by keys: [PublicKey]) throws(CoRIMError) {
        let message: COSESign1
        do throws(COSEError) {
            message = try COSESign1(parsing: bytes, rules: Self.rules)
        } catch {
            throw CoRIMError("The manifest is no signed one. \(error.message)")
        }
        guard let type = message.protected[3]?.textValue, Self.contentTypes.contains(type) else {
            throw CoRIMError("What is signed is something else than a manifest.")
        }
        guard let signer = keys.first(where: { $0.isValidSignature(of: message) }) else {
            throw CoRIMError("None of the keys that may sign manifests signed it.", isUntrusted: true)
        }
        var period: CBORValue?
        if let meta = message.protected[8] {
            guard let content = meta.bytesValue, let map = try Self.item(content).mapValue else {
                throw CoRIMError("What it says of its signature cannot be read.")
            }
            period = map[1]
        }
        try self.init(unsigned: message.payload, by: signer, signedFor: try period.map(Self.period))
    }

    private init(
        unsigned bytes: [UInt8], by signer: PublicKey?, signedFor: ClosedRange<Date>?
    ) throws(CoRIMError) {
        guard let map = try Self.item(bytes).tagged(Self.unsignedTag)?.mapValue,
            let tags = map[1]?.arrayValue, !tags.isEmpty
        else { throw CoRIMError("It is no manifest with tags.") }
        var modules: [CBORMap] = []
        for tag in tags {
            // Other tags, such as software identifiers, say nothing that is asked for here.
            guard let content = tag.tagged(Self.moduleTag) else { continue }
            guard let bytes = content.bytesValue, let module = try Self.item(bytes).mapValue else {
                throw CoRIMError("A module identifier cannot be read.")
            }
            modules.append(module)
        }
        self.modules = modules
        self.signer = signer
        let name = map[0]?.tagged(Self.uuidTag) ?? map[0]
        id = name?.textValue ?? name?.bytesValue.map { Hex.encode($0) } ?? ""
        version = modules.compactMap { $0[1]?.mapValue?[1]?.intValue }.max() ?? 0
        validity = try Self.overlap(try map[4].map(Self.period), signedFor)
    }

    private static func item(_ bytes: [UInt8]) throws(CoRIMError) -> CBORValue {
        do throws(CBORError) {
            return try CBORValue(parsing: bytes, rules: rules)
        } catch {
            throw CoRIMError("It is no acceptable CBOR. \(error.description).")
        }
    }

    private static func period(_ value: CBORValue) throws(CoRIMError) -> ClosedRange<Date> {
        guard let map = value.mapValue, let end = date(map[1]) else { throw CoRIMError("Its period cannot be read.") }
        var start = Date.distantPast
        if let value = map[0] {
            guard let date = date(value) else { throw CoRIMError("Its period cannot be read.") }
            start = date
        }
        guard start <= end else { throw CoRIMError("Its period ends before it begins.") }
        return start...end
    }

    private static func date(_ value: CBORValue?) -> Date? {
        guard let seconds = value?.tagged(1)?.intValue, abs(seconds) < 1 << 40 else { return nil }
        return Date(timeIntervalSince1970: TimeInterval(seconds))
    }

    private static func overlap(
        _ one: ClosedRange<Date>?, _ other: ClosedRange<Date>?
    ) throws(CoRIMError) -> ClosedRange<Date>? {
        guard let one, let other else { return one ?? other }
        let (start, end) = (max(one.lowerBound, other.lowerBound), min(one.upperBound, other.upperBound))
        guard start <= end else { throw CoRIMError("Its signature counts at no time at which it does itself.") }
        return start...end
    }
}

/// Why a manifest cannot be used.
package struct CoRIMError: Error, Sendable, Hashable {
    /// A sentence for the operator.
    package let message: String
    /// Whether it is well-formed but nobody who may signed it.
    package let isUntrusted: Bool

    init(_ message: String, isUntrusted: Bool = false) {
        self.message = message
        self.isUntrusted = isUntrusted
    }
}
