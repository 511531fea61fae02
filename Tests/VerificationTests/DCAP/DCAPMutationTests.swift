import Encodings
import Foundation
import RATS
import Testing
import X509Trust

@testable import Verification

@Suite("DCAP mutation: no changed bit is believed")
struct DCAPMutationTests {
    /// An accepted quote with the collateral under which it is accepted.
    struct Accepted: Sendable, CustomTestStringConvertible {
        let tee: String
        let id: String
        let set: CollateralSet
        /// Of the bits outside of the certificates every one or every so many-th is flipped.
        let stride: Int

        var testDescription: String { "\(tee)/\(id)" }

        static let all = [
            Accepted(tee: "tdx", id: "v4-uptodate-dcap-qvl", set: .tdx, stride: 3),
            Accepted(tee: "tdx", id: "v5-td15-uptodate-go-tdx-guest", set: .later, stride: 1),
            Accepted(tee: "sgx", id: "v3-dcap-qvl", set: .sgx, stride: 3),
        ]

        func quote() throws -> [UInt8] { try DCAPVectors.entry(tee, id).quote }
    }

    /// How many mutants there were and which of them were believed.
    struct Tally {
        var count = 0
        var accepted: [String] = []

        mutating func add(_ isAccepted: Bool, _ what: @autoclosure () -> String) {
            count += 1
            if isAccepted { accepted.append(what()) }
        }

        func report(_ what: String) {
            print("mutation dcap \(what): \(count) mutants, \(accepted.count) accepted")
            #expect(accepted.isEmpty, "\(accepted.prefix(10))")
        }
    }

    private func flipped(_ bytes: [UInt8], _ bit: Int) -> [UInt8] {
        var copy = bytes
        copy[bit / 8] ^= 1 << UInt8(bit % 8)
        return copy
    }

    private func isAccepted(_ quote: [UInt8], _ verifier: QuoteVerifier, _ context: VerificationContext) async -> Bool {
        // Thousands of mutants must not keep other tests from running.
        await Task.yield()
        do {
            _ = try await verifier.appraise(verifier.authenticate(quote, at: context.clock.now()), context: context)
            return true
        } catch {
            return false
        }
    }

    @Test(
        "the bits of quotes, of one outside of its certificates all, of the others and of certificates evenly sampled",
        arguments: Accepted.all)
    func quotes(_ accepted: Accepted) async throws {
        let quote = try accepted.quote()
        let context = try accepted.set.context()
        let verifier = QuoteVerifier(options: IntelCollateralOptions())
        #expect(await isAccepted(quote, verifier, context))
        let text = try IntelQuote(parsing: quote).signature.certificates
        let certificates = try #require(quote.firstRange(of: text))
        var tally = Tally()
        for bit in 0..<(quote.count * 8) where bit % (certificates.contains(bit / 8) ? 61 : accepted.stride) == 0 {
            tally.add(await isAccepted(flipped(quote, bit), verifier, context), "bit \(bit)")
        }
        for count in [1, 2, 64, text.count] {
            tally.add(
                await isAccepted(quote.dropLast(quote.count - certificates.upperBound + count), verifier, context),
                "-\(count)")
        }
        tally.add(await isAccepted(quote + [1], verifier, context), "+1")
        tally.report(accepted.testDescription)
    }

    @Test("the bits of everything that Intel publishes, evenly sampled", arguments: Accepted.all)
    func collateral(_ accepted: Accepted) async throws {
        let quote = try accepted.quote()
        let items = try accepted.set.items()
        // What is not changed is verified once.
        let verifier = QuoteVerifier(options: IntelCollateralOptions())
        let authentic = try verifier.authenticate(quote, at: accepted.set.verifyAt)
        var tally = Tally()
        func isAccepted(_ name: CollateralName, _ item: CollateralItem) async -> Bool {
            await Task.yield()
            let changed = FixedCollateral(items.merging([name: item]) { $1 })
            let context = VerificationContext(clock: .fixed(accepted.set.verifyAt), collateral: changed)
            return (try? await verifier.appraise(authentic, context: context)) != nil
        }
        for (name, item) in items.sorted(by: { $0.key < $1.key }) {
            #expect(await isAccepted(name, item))
            let step = max(1, item.body.count * 8 / 300) | 1
            for bit in stride(from: 0, to: item.body.count * 8, by: step) {
                let changed = CollateralItem(body: flipped(item.body, bit), issuerChain: item.issuerChain)
                tally.add(await isAccepted(name, changed), "\(name) bit \(bit)")
            }
            for (index, der) in item.issuerChain.enumerated() {
                for bit in stride(from: 0, to: der.count * 8, by: 61) {
                    var chain = item.issuerChain
                    chain[index] = flipped(der, bit)
                    let changed = CollateralItem(body: item.body, issuerChain: chain)
                    tally.add(await isAccepted(name, changed), "\(name) certificate \(index) bit \(bit)")
                }
            }
        }
        tally.report("collateral of \(accepted.testDescription)")
    }

    @Test("every bit of the report data that was asked for, and of the init-data's digest")
    func bindings() async throws {
        let intel = try IntelStandIn()
        let report = try TrustDomainReport.plain(reportData: Array(1...64)).replacing(
            .configurationID, Array(101...148))
        let evidence = Evidence(
            tee: .tdx, content: ["quote": .string(Base64.encode(try intel.quote(report).encoded))])
        let verifier = TDXVerifier(options: .init(collateral: intel.options()))
        let context = VerificationContext(
            clock: .fixed(IntelStandIn.now), collateral: FixedCollateral(try intel.items()))
        func isAccepted(_ reportData: [UInt8], _ initData: [UInt8]) async -> Bool {
            await Task.yield()
            let binding = EvidenceBinding(reportData: [reportData], initDataDigest: initData)
            return (try? await verifier.verify(evidence, binding: binding, context: context)) != nil
        }
        let (reportData, digest) = (Array(UInt8(1)...64), Array(UInt8(101)...148))
        #expect(await isAccepted(reportData, digest))
        var tally = Tally()
        for bit in 0..<512 { tally.add(await isAccepted(flipped(reportData, bit), digest), "report data bit \(bit)") }
        for bit in 0..<384 { tally.add(await isAccepted(reportData, flipped(digest, bit)), "init-data bit \(bit)") }
        for count in 0..<64 { tally.add(await isAccepted(Array(reportData.prefix(count)), digest), "\(count) bytes") }
        tally.report("bindings")
    }
}
