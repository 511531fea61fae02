import Foundation
import Testing
import X509Trust

@Suite("Mutation: no bit of a certificate or revocation list may change")
struct CertificateMutationTests {
    /// Flips each bit of some bytes, or each of so many, cuts them at each length and lengthens them, and counts what is
    /// accepted.
    private func mutate(
        _ name: String, _ bytes: [UInt8], each step: Int = 1, isAccepted: ([UInt8]) throws -> Bool
    ) async throws {
        #expect(try isAccepted(bytes), "the original must be good")
        var mutants = 0
        var accepted: [String] = []
        func probe(_ mutant: [UInt8], _ what: @autoclosure () -> String) throws {
            mutants += 1
            if try isAccepted(mutant) { accepted.append(what()) }
        }
        for bit in stride(from: 0, to: bytes.count * 8, by: step) {
            // Thousands of mutants must not keep other tests from running.
            await Task.yield()
            var mutant = bytes
            mutant[bit / 8] ^= 1 << UInt8(bit % 8)
            try probe(mutant, "bit \(bit)")
        }
        for count in 0..<bytes.count { try probe(Array(bytes[..<count]), "the first \(count) bytes") }
        for byte in [UInt8(0), 1, 0x30, 0xff] { try probe(bytes + [byte], "one more byte") }
        print("mutation \(name): \(mutants) mutants, \(accepted.count) accepted")
        #expect(accepted.isEmpty, "\(accepted.prefix(10))")
    }

    /// Mutates one certificate of a real path whose others stay.
    private func mutate(_ name: String, _ real: RealPath, at index: Int) async throws {
        var path = try real.path()
        let anchors = try [real.anchor()]
        let date = try Real.date(real.date)
        try await mutate(name, path[index].der) { mutant in
            guard let changed = try? Certificate(der: mutant) else { return false }
            path[index] = changed
            return (try? CertificateChain.verify(path: path, anchors: anchors, at: date)) != nil
        }
    }

    @Test("AMD's ASK")
    func ask() async throws { try await mutate("amd ask", RealPath.all[0], at: 1) }

    @Test("a VCEK, beside a cache that knows the good one")
    func vcek() async throws {
        let real = RealPath.all[0]
        let path = try real.path()
        let anchors = try [real.anchor()]
        let date = try Real.date(real.date)
        let cache = VerifiedChainCache()
        try await mutate("amd vcek", path[0].der) { mutant in
            let chain = try? cache.chain(leaf: mutant, issuers: Array(path[1...]), anchors: anchors, at: date)
            return chain != nil
        }
        #expect(cache.count == 1)
    }

    @Test("an Intel PCK")
    func pck() async throws {
        try await mutate("intel pck", #require(RealPath.all.first { $0.name == "Intel PCK" }), at: 0)
    }

    @Test(
        "the lists of AMD and Intel",
        arguments: [
            ("amd/genoa.crl", "amd/genoa_ark.der"), ("amd/milan.crl", "amd/milan_ark.der"),
            ("intel/pck_crl.der", ""), ("intel/root_ca_crl.der", "intel/root.der"),
        ])
    func lists(name: String, issuer: String) async throws {
        let certificate =
            try issuer.isEmpty
            ? Real.certificates("intel/pck_chain.pem")[1] : Real.certificate(issuer)
        // The list of PCKs is long and repeats itself; three is odd, so that every place within a byte comes up.
        try await mutate(name, Vectors.bytes(name), each: issuer.isEmpty ? 3 : 1) { mutant in
            guard let list = try? RevocationList(der: mutant) else { return false }
            return (try? list.verify(issuer: certificate)) != nil
        }
    }

    @Test("a certificate signed with SM2")
    func sm2() async throws {
        let hierarchy = try Hierarchy(.sm2)
        try await mutate("sm2 leaf", hierarchy.leaf.der) { mutant in
            guard let leaf = try? Certificate(der: mutant) else { return false }
            let path = [leaf] + hierarchy.path.dropFirst()
            let chain = try? CertificateChain.verify(path: path, anchors: hierarchy.anchors, at: Hierarchy.now)
            return chain != nil
        }
    }
}
