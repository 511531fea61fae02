import RATS
import Testing

@Suite("Evidence binding")
struct EvidenceBindingTests {
    private let digest = [UInt8](1...48)

    @Test("A8: report data fills its whole field with the digest and zero bytes")
    func padded() {
        let binding = EvidenceBinding(reportData: [digest])
        #expect(binding.candidate(filling: digest + [UInt8](repeating: 0, count: 16)) == 0)
        #expect(binding.candidate(filling: digest) == 0)
    }

    @Test("A8: prefixes, other padding and cut digests do not match")
    func variants() {
        let binding = EvidenceBinding(reportData: [digest])
        let zeros = [UInt8](repeating: 0, count: 16)
        #expect(binding.candidate(filling: digest + [1] + zeros.dropLast()) == nil)
        #expect(binding.candidate(filling: digest + zeros.dropLast() + [1]) == nil)
        #expect(binding.candidate(filling: zeros + digest) == nil)
        #expect(binding.candidate(filling: Array(digest.prefix(32))) == nil)
        #expect(binding.candidate(filling: []) == nil)
        #expect(binding.candidate(equalTo: Array(digest.prefix(47))) == nil)
        #expect(binding.candidate(equalTo: digest + [0]) == nil)
        #expect(binding.candidate(equalTo: []) == nil)
    }

    @Test("the matching candidate is named; without candidates nothing matches")
    func candidates() {
        let other = [UInt8](repeating: 7, count: 48)
        #expect(EvidenceBinding(reportData: [digest, other]).candidate(equalTo: other) == 1)
        #expect(EvidenceBinding(reportData: []).candidate(equalTo: digest) == nil)
        #expect(EvidenceBinding(reportData: [[]]).candidate(filling: [UInt8](repeating: 0, count: 64)) == nil)
        #expect(EvidenceBinding(reportData: [[]]).candidate(equalTo: []) == nil)
    }

    @Test("A16: an init-data digest fits a field by zero bytes or by its beginning, and nothing else fits")
    func initData() {
        let binding = EvidenceBinding(reportData: [], initDataDigest: Array(digest.prefix(32)))
        #expect(binding.initDataDigest(fits: Array(digest.prefix(32))))
        #expect(binding.initDataDigest(fits: Array(digest.prefix(32)) + [UInt8](repeating: 0, count: 16)))
        #expect(!binding.initDataDigest(fits: digest))
        #expect(!binding.initDataDigest(fits: Array(digest.prefix(31))))
        #expect(!binding.initDataDigest(fits: Array(digest[1...32])))

        let longer = EvidenceBinding(reportData: [], initDataDigest: digest)
        #expect(longer.initDataDigest(fits: Array(digest.prefix(32))))
        #expect(!longer.initDataDigest(fits: Array(digest.prefix(16))))
    }

    @Test("A16: without init-data no field fits")
    func noInitData() {
        let binding = EvidenceBinding(reportData: [digest])
        #expect(!binding.initDataDigest(fits: [UInt8](repeating: 0, count: 48)))
        #expect(
            !EvidenceBinding(reportData: [], initDataDigest: []).initDataDigest(
                fits: [UInt8](repeating: 0, count: 48)))
    }
}
