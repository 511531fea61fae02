import Encodings
import Foundation
import Testing
import X509TestSupport
import X509Trust

@Suite("Public keys and signatures")
struct PublicKeyTests {
    private static let message = Array("a report".utf8)
    private static let userID = Array("HYGON-SSD".utf8)

    @Test("a key is known by its kind")
    func kinds() throws {
        for curve in PublicKey.Curve.allCases {
            let key = try TestKey.generate(.ec(curve)).publicKey
            #expect(key.kind == .ec(curve))
            let point = try #require(key.x963)
            #expect(point.count == 1 + 2 * curve.coordinateByteCount)
            #expect(try PublicKey.ec(curve, x963: point) == key)
        }
        let sm2 = try TestKey.generate(.sm2).publicKey
        #expect(sm2.kind == .sm2)
        #expect(try PublicKey.sm2(x963: #require(sm2.x963)) == sm2)
        let rsa = try TestKey.generate(.rsa(2048)).publicKey
        #expect(rsa.kind == .rsa(bits: 2048, exponent: 65_537))
        #expect(rsa.x963 == nil)
    }

    @Test("an RSA key is made from its modulus and exponent, with and without a leading zero")
    func rsaParts() throws {
        let key = try Real.certificate("amd/milan_ask.der").publicKey
        #expect(key.kind == .rsa(bits: 4096, exponent: 65_537))
        let modulus = Array(key.spki.suffix(512 + 5).prefix(512))
        #expect(try PublicKey.rsa(modulus: modulus, exponent: [1, 0, 1]) == key)
        #expect(try PublicKey.rsa(modulus: [0] + modulus, exponent: [0, 1, 0, 1]) == key)
    }

    @Test(
        "each algorithm accepts its own signature, and no other message, signature, key or algorithm",
        arguments: [
            (TestKey.Kind.rsa(2048), SignatureAlgorithm.rsaPKCS1(.sha256)), (.rsa(2048), .rsaPSS(.sha384)),
            (.ec(.p256), .ecdsa(.sha256)), (.ec(.p256), .ecdsaRaw(.sha256)), (.ec(.p384), .ecdsaRaw(.sha384)),
            (.ec(.p521), .ecdsaRaw(.sha512)), (.sm2, .sm2(userID: userID)), (.sm2, .sm2Raw(userID: userID)),
        ])
    func signatures(kind: TestKey.Kind, algorithm: SignatureAlgorithm) throws {
        let key = try TestKey.generate(kind)
        let signature = try key.sign(Self.message, algorithm)
        #expect(key.publicKey.isValid(signature: signature, over: Self.message, algorithm))
        #expect(!key.publicKey.isValid(signature: signature, over: Self.message + [0], algorithm))
        #expect(!key.publicKey.isValid(signature: signature, over: [], algorithm))
        #expect(try !TestKey.generate(kind).publicKey.isValid(signature: signature, over: Self.message, algorithm))
        for index in stride(from: 0, to: signature.count, by: 7) {
            var changed = signature
            changed[index] ^= 1
            #expect(!key.publicKey.isValid(signature: changed, over: Self.message, algorithm))
        }
        for wrong in [[], Array(signature.dropLast()), signature + [0], [UInt8](repeating: 0, count: signature.count)] {
            #expect(!key.publicKey.isValid(signature: wrong, over: Self.message, algorithm))
        }
        let others: [SignatureAlgorithm] = [
            .rsaPKCS1(.sha256), .rsaPKCS1(.sha384), .rsaPSS(.sha256), .rsaPSS(.sha384), .ecdsa(.sha256),
            .ecdsa(.sha384), .ecdsaRaw(.sha256), .ecdsaRaw(.sha384), .ecdsaRaw(.sha512), .sm2(userID: []),
            .sm2(userID: Self.userID), .sm2Raw(userID: Self.userID), .sm2Raw(userID: Array("other".utf8)),
            .rsaPSS(.sm3), .ecdsa(.sm3),
        ]
        for other in others where other != algorithm {
            #expect(!key.publicKey.isValid(signature: signature, over: Self.message, other), "\(other)")
        }
    }

    @Test("raw halves of zero, of the order and beyond it verify nothing")
    func extremeHalves() throws {
        let key = try TestKey.generate(.ec(.p256))
        let order = try Hex.decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
        let zero = [UInt8](repeating: 0, count: 32)
        let good = try key.sign(Self.message, .ecdsaRaw(.sha256))
        for half in [zero, order, [UInt8](repeating: 0xff, count: 32)] {
            for signature in [half + half, half + good[32...], good[..<32] + half] {
                #expect(!key.publicKey.isValid(signature: signature, over: Self.message, .ecdsaRaw(.sha256)))
            }
        }
    }

    @Test("RSA keys that are too short, or whose exponent lets everybody sign, verify nothing")
    func weakRSA() throws {
        let short = try TestKey.generate(.rsa(1024))
        let signature = try short.sign(Self.message, .rsaPKCS1(.sha256))
        #expect(!short.publicKey.isValid(signature: signature, over: Self.message, .rsaPKCS1(.sha256)))

        // With exponent 1 a signature is the padded digest itself.
        let modulus = [UInt8](repeating: 0xff, count: 256)
        let prefix = try Hex.decode("3031300d060960864801650304020105000420")
        let digest = try prefix + DigestAlgorithm.sha256.hash(Self.message)
        let padded = [0, 1] + [UInt8](repeating: 0xff, count: 256 - 3 - digest.count) + [0] + digest
        for exponent: [UInt8] in [[1], [2], [0]] {
            guard let key = try? PublicKey.rsa(modulus: modulus, exponent: exponent) else { continue }
            #expect(!key.isValid(signature: padded, over: Self.message, .rsaPKCS1(.sha256)))
        }
    }

    @Test("points off their curve, of another length and unknown curves are no keys")
    func malformed() throws {
        let point = try #require(TestKey.generate(.ec(.p256)).publicKey.x963)
        var off = point
        off[64] ^= 1
        for bytes in [off, Array(point.dropLast()), point + [0], [0], [], [UInt8](repeating: 0, count: 65)] {
            #expect(try refusal { _ = try PublicKey.ec(.p256, x963: bytes) } == "malformed_key")
        }
        #expect(throws: X509Error.self) { try PublicKey.ec(.p384, x963: point) }
        #expect(throws: X509Error.self) { try PublicKey.sm2(x963: point) }
        #expect(throws: X509Error.self) { try PublicKey(spki: []) }
        #expect(throws: X509Error.self) { try PublicKey(spki: [UInt8](repeating: 0x30, count: 5000)) }
    }

    @Test("a key on a curve that is spelled out, or on one that nobody attests with, verifies nothing")
    func otherCurves() throws {
        let explicit = """
            3082014b3082010306072a8648ce3d02013081f7020101302c06072a8648ce3d0101022100ffffffff000000010000000000000000\
            00000000ffffffffffffffffffffffff305b0420ffffffff00000001000000000000000000000000fffffffffffffffffffffffc04\
            205ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b031500c49d360886e704936a6678e1139d26b781\
            9f7e900441046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e\
            162bce33576b315ececbb6406837bf51f5022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63255102\
            010103420004173c7eafb1bbb02fe3f7730bc4e1c67a000e04ac837cd0ac5570503bcfa53e4b4f5d6be5c637e7239ea781bcd8248f\
            7a7155cc1535241f4ac7bb86d373ba4cca
            """
        let koblitz = """
            3056301006072a8648ce3d020106052b8104000a0342000427169b32d43b3c48c1b814e6bcf7c860e635e8b85473c964f0585004\
            640b34c980830cceb0f619f56e49d73d3d56471e67d623aa2560f1d4e28b06b25d2ff8ca
            """
        for text in [explicit, koblitz] {
            let key = try PublicKey(spki: Hex.decode(text))
            #expect(key.kind == .other)
            #expect(key.x963 == nil)
            #expect(!key.isValid(signature: [0x30, 6, 2, 1, 1, 2, 1, 1], over: Self.message, .ecdsa(.sha256)))
        }
    }

    @Test("digests are those of the standards")
    func digests() throws {
        let expected: [(DigestAlgorithm, String)] = [
            (.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                .sha384,
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
            ),
            // GB/T 32905-2016 appendix A.1.
            (.sm3, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        ]
        for (algorithm, digest) in expected {
            #expect(try Hex.encode(algorithm.hash(Array("abc".utf8))) == digest)
            #expect(algorithm.byteCount == digest.count / 2)
        }
        #expect(try DigestAlgorithm.sha512.hash([]).count == DigestAlgorithm.sha512.byteCount)
    }
}

@Suite("Hygon's keys sign with SM2 over the issuer's identity")
struct HygonSignatureTests {
    /// A certificate of Hygon's own form: an SM2 key with its user's identity.
    private func key(_ bytes: [UInt8], at offset: Int) throws -> (PublicKey, [UInt8]) {
        let x = bytes[offset..<(offset + 32)].reversed()
        let y = bytes[(offset + 72)..<(offset + 104)].reversed()
        let count = Int(bytes[offset + 144]) | Int(bytes[offset + 145]) << 8
        return (try PublicKey.sm2(x963: [4] + x + y), Array(bytes[(offset + 146)..<(offset + 146 + count)]))
    }

    private func signature(_ bytes: [UInt8], at offset: Int) -> [UInt8] {
        bytes[offset..<(offset + 32)].reversed() + bytes[(offset + 72)..<(offset + 104)].reversed()
    }

    @Test("the root signs itself and the signing key, which signs the chip's key")
    func chain() throws {
        let (hrk, hsk, cek) = try (
            Vectors.bytes("hygon/hrk.cert"), Vectors.bytes("hygon/hsk.cert"), Vectors.bytes("hygon/cek.cert")
        )
        let (rootKey, rootID) = try key(hrk, at: 68)
        let (signingKey, signingID) = try key(hsk, at: 68)
        #expect(
            rootKey.isValid(signature: signature(hrk, at: 576), over: Array(hrk[..<576]), .sm2Raw(userID: rootID)))
        #expect(
            rootKey.isValid(signature: signature(hsk, at: 576), over: Array(hsk[..<576]), .sm2Raw(userID: rootID)))
        let slots = [1044 + 8, 1044 + 8 + 512 + 8]
        #expect(
            slots.contains {
                signingKey.isValid(
                    signature: signature(cek, at: $0), over: Array(cek[..<1044]), .sm2Raw(userID: signingID))
            })
        // The identity is part of what is signed.
        #expect(
            !rootKey.isValid(signature: signature(hsk, at: 576), over: Array(hsk[..<576]), .sm2Raw(userID: [])))
    }
}
