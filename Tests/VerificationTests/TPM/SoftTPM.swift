import Crypto
import Encodings
import Foundation
import RATS
import X509TestSupport
import X509Trust

@testable import Verification

/// A TPM that does what it is told: its key signs statements of any content.
struct SoftTPM {
    let key: TestKey
    var registers: [[UInt8]]
    var bank: TCGHash = .sha256
    var scheme: Scheme = .usual

    enum Scheme {
        case usual, pss
    }

    init(_ kind: TestKey.Kind = .ec(.p256)) throws {
        key = try TestKey.generate(kind)
        registers = (0..<24).map { [UInt8](repeating: $0 < 17 ? 0 : 0xFF, count: 32) }
    }

    /// Everything that a statement says, to be changed at will.
    struct Statement {
        var magic: [UInt8] = [0xFF, 0x54, 0x43, 0x47]
        var type: [UInt8] = [0x80, 0x18]
        var signer: [UInt8] = [0, 0x0B] + [UInt8](repeating: 5, count: 32)
        var nonce: [UInt8]
        var clock = [UInt8](repeating: 0, count: 8) + [0, 0, 0, 3] + [0, 0, 0, 1] + [1]
        var firmware: [UInt8] = [0x20, 0x16, 0x05, 0x11, 0, 0x16, 0x28, 0]
        var selections: [(UInt16, [UInt8])] = [(0x0B, [0xFF, 0xFF, 0xFF])]
        var digest: [UInt8]

        var bytes: [UInt8] {
            var bytes = magic + type + Self.counted(signer) + Self.counted(nonce) + clock + firmware
            bytes += [0, 0, 0, UInt8(selections.count)]
            for (bank, bitmap) in selections {
                bytes += [UInt8(bank >> 8), UInt8(truncatingIfNeeded: bank), UInt8(bitmap.count)] + bitmap
            }
            return bytes + Self.counted(digest)
        }

        static func counted(_ bytes: [UInt8]) -> [UInt8] {
            [UInt8(bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count)] + bytes
        }
    }

    /// A statement about the registers as they are.
    func statement(nonce: [UInt8]) -> Statement {
        Statement(
            nonce: nonce, selections: [(bank.rawValue, [0xFF, 0xFF, 0xFF])],
            digest: Array(SHA256.hash(data: Array(registers.joined()))))
    }

    /// A TPMT_SIGNATURE over a statement.
    func signature(over bytes: [UInt8]) throws -> [UInt8] {
        switch (key.publicKey.kind, scheme) {
        case (.rsa, .usual):
            return [0, 0x14, 0, 0x0B] + Statement.counted(try key.sign(bytes, .rsaPKCS1(.sha256)))
        case (.rsa, .pss):
            return [0, 0x16, 0, 0x0B] + Statement.counted(try key.sign(bytes, .rsaPSS(.sha256)))
        default:
            let raw = try key.sign(bytes, .ecdsaRaw(.sha256))
            let half = raw.count / 2
            return [0, 0x18, 0, 0x0B] + Statement.counted(Array(raw[..<half]))
                + Statement.counted(Array(raw[half...]))
        }
    }

    /// Evidence as a guest sends it, with the statement that `change` makes of the right one.
    func evidence(
        nonce: [UInt8], adding members: JSONObject = [:], _ change: (inout Statement) -> Void = { _ in }
    ) throws -> JSONValue {
        var statement = statement(nonce: nonce)
        change(&statement)
        var content: JSONObject = [
            "ak_public": .string(Base64.encode(key.publicKey.spki)),
            "tpm_quote": [
                "message": .string(Base64.encode(statement.bytes)),
                "signature": .string(Base64.encode(try signature(over: statement.bytes))),
                "pcrs": .array(registers.map { .string(Hex.encode($0)) }),
            ],
        ]
        for (name, value) in members { content[name] = value }
        return .object(content)
    }

    /// What the TPM says of the key.
    func publicArea(attributes: UInt32 = 0x0005_0072) -> [UInt8] {
        let mask = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: attributes >> UInt32($0)) }
        let point = Array((key.publicKey.x963 ?? []).dropFirst())
        return [0, 0x23, 0, 0x0B] + mask + [0, 0] + [0, 0x10] + [0, 0x18, 0, 0x0B] + [0, 3] + [0, 0x10]
            + Statement.counted(Array(point.prefix(32))) + Statement.counted(Array(point.dropFirst(32)))
    }

    /// The same TPM after an extend of a register.
    func extending(_ index: Int, with digest: [UInt8]) -> SoftTPM {
        var tpm = self
        tpm.registers[index] = bank.digest(of: registers[index] + digest) ?? []
        return tpm
    }
}

extension TPMVerifier {
    /// The code of the error that `content` is refused with.
    func refusal(
        _ content: JSONValue, _ binding: EvidenceBinding, at date: Date = Date(timeIntervalSince1970: 1_780_000_000)
    ) async -> String? {
        do throws(VerificationError) {
            _ = try await verify(
                Evidence(tee: .tpm, content: content), binding: binding,
                context: VerificationContext(clock: .fixed(date)))
            return nil
        } catch {
            return error.code
        }
    }
}

extension JSONValue {
    /// The same object with a member changed, also of an object in it.
    func replacing(_ path: String..., with value: JSONValue?) -> JSONValue { replacing(path[...], with: value) }

    func replacing(_ path: ArraySlice<String>, with value: JSONValue?) -> JSONValue {
        guard case .object(var object) = self, let name = path.first else { return value ?? .null }
        object[name] = path.count == 1 ? value : object[name]?.replacing(path.dropFirst(), with: value)
        return .object(object)
    }
}
