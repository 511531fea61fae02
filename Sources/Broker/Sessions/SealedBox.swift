import Crypto
import FoundationEssentials

/// What a cookie is, in its first byte: one that was handed out for one purpose never works for another.
enum CookieKind: UInt8, Sendable {
    /// A challenge that was handed out and not answered yet.
    case challenge = 0x43
    /// The secret of an attested session.
    case session = 0x53
}

/// Seals short-lived state under keys that only brokers of one installation have.
///
/// The text is `kind ‖ nonce (12) ‖ ciphertext ‖ tag (16)`. The kind, and the context that the caller gives, are
/// authenticated, so that what was sealed for one purpose or one row never opens for another.
struct SealedBox: Sendable {
    private let kind: CookieKind
    /// The key to seal with, then those that are only opened with.
    private let keys: [SymmetricKey]

    init(kind: CookieKind, keys: [SymmetricKey]) {
        self.kind = kind
        self.keys = keys
    }

    func seal(_ plaintext: [UInt8], context: [UInt8] = []) throws(BrokerError) -> [UInt8] {
        guard let key = keys.first,
            let box = try? AES.GCM.seal(plaintext, using: key, authenticating: authenticated(context)),
            let combined = box.combined
        else {
            throw .internalFailure("sealing_failed", "The broker could not seal its state")
        }
        return [kind.rawValue] + Array(combined)
    }

    /// The plaintext, or `nil` when the text is of another kind, for another context, damaged, or not ours.
    func open(_ sealed: [UInt8], context: [UInt8] = []) -> [UInt8]? {
        guard sealed.first == kind.rawValue, sealed.count <= 1_048_576,
            let box = try? AES.GCM.SealedBox(combined: sealed.dropFirst())
        else { return nil }
        for key in keys {
            if let plaintext = try? AES.GCM.open(box, using: key, authenticating: authenticated(context)) {
                return Array(plaintext)
            }
        }
        return nil
    }

    private func authenticated(_ context: [UInt8]) -> [UInt8] {
        Array("claviger sealed state 1".utf8) + [0, kind.rawValue] + context
    }
}
