import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing
import X509Trust

@testable import Verification

/// The mutation matrix over recorded evidence: whatever is changed, nothing is believed.
///
/// Where a mutant costs a signature or a chain, each of the seven vectors takes every seventh bit and begins at another
/// one, so that together they flip each; of the signed bytes, whose bits are all alike to a signature, every third of those.
@Suite("SEV-SNP: Mutation matrix")
struct SNPMutationTests {
    private static let step = SNPVector.withReport.count

    /// Counts mutants, and finds those that are believed.
    private struct Tally {
        private(set) var mutants = 0
        private(set) var believed: [String] = []

        mutating func add(_ name: @autoclosure () -> String, isBelieved: Bool) {
            mutants += 1
            if isBelieved { believed.append(name()) }
        }

        static func + (left: Tally, right: Tally) -> Tally {
            var sum = left
            sum.mutants += right.mutants
            sum.believed += right.believed
            return sum
        }
    }

    private func isBelieved(
        _ verification: SNPReportVerification, _ report: [UInt8], _ certificate: [UInt8],
        _ kind: SNPEndorsementKeyKind, _ context: VerificationContext
    ) async -> Bool {
        // Thousands of mutants must not keep other tests from running.
        await Task.yield()
        return (try? await verification.verify(report, endorsementKeys: [kind: certificate], context: context)) != nil
    }

    @Test("no flipped bit of a report, certificate, revocation list or authority is believed, nor any other change")
    func matrix() async throws {
        var all = Tally()
        try await withThrowingTaskGroup { group in
            for (index, vector) in SNPVector.withReport.enumerated() {
                group.addTask { try await bits(vector, from: index) + fields(vector) + bindings(vector) }
            }
            group.addTask { try await revocationLists() }
            group.addTask { try await authorities() }
            for try await tally in group { all = all + tally }
        }
        print("mutation snp: \(all.mutants) mutants, \(all.believed.count) accepted")
        #expect(all.believed.isEmpty, "\(all.believed.prefix(10))")
        #expect(all.mutants > 35_000)
    }

    /// Bits of the signed bytes, the signature and the certificate.
    private func bits(_ vector: SNPVector, from start: Int) async throws -> Tally {
        let report = try vector.report()
        let certificate = try vector.certificate()
        let context = try vector.context
        let verification = SNPReportVerification(.lenient)
        try #require(await isBelieved(verification, report, certificate, vector.kind, context))
        var tally = Tally()
        let places: [(bytes: Range<Int>, step: Int)] = [
            (0..<0x2A0, 3 * Self.step), (0x2A0..<0x2D0, Self.step), (0x2D0..<0x2E8, 1), (0x2E8..<0x318, Self.step),
            (0x318..<0x4A0, 1),
        ]
        for place in places {
            let first = place.bytes.lowerBound * 8 + (place.step == 1 ? 0 : start)
            for bit in stride(from: first, to: place.bytes.upperBound * 8, by: place.step) {
                var mutant = report
                mutant[bit / 8] ^= 1 << (bit % 8)
                let believed = await isBelieved(verification, mutant, certificate, vector.kind, context)
                tally.add("\(vector.id) report bit \(bit)", isBelieved: believed)
            }
        }
        for bit in stride(from: start, to: certificate.count * 8, by: Self.step) {
            var mutant = certificate
            mutant[bit / 8] ^= 1 << (bit % 8)
            let believed = await isBelieved(verification, report, mutant, vector.kind, context)
            tally.add("\(vector.id) certificate bit \(bit)", isBelieved: believed)
        }
        return tally
    }

    /// Changes of whole fields.
    private func fields(_ vector: SNPVector) async throws -> Tally {
        let report = try vector.report()
        let certificate = try vector.certificate()
        let context = try vector.context
        let verification = SNPReportVerification(.lenient)
        var tally = Tally()
        func signature(_ change: (inout SNPSignature) -> Void) throws -> [UInt8] {
            var parsed = try SNPReport(parsing: report)
            change(&parsed.signature)
            return parsed.encoded()
        }
        func version(_ change: Int) -> [UInt8] { [UInt8(Int(report[0]) + change)] + report.dropFirst() }
        let zero = [UInt8](repeating: 0, count: 72)
        let order = try Hex.decode(
            "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973")
        let orderField = Array(order.reversed()) + [UInt8](repeating: 0, count: 24)
        let reports: [(String, [UInt8])] = [
            ("swapped numbers", try signature { ($0.r, $0.s) = ($0.s, $0.r) }),
            ("r = 0", try signature { $0.r = zero }),
            ("s = 0", try signature { $0.s = zero }), ("r = n", try signature { $0.r = orderField }),
            ("s = n", try signature { $0.s = orderField }), ("both 0", try signature { $0 = SNPSignature() }),
            ("big-endian r", try signature { $0.r = $0.r[..<48].reversed() + $0.r[48...] }),
            ("cut", Array(report.dropLast())), ("zero appended", report + [0]), ("one appended", report + [1]),
            ("next version", version(1)), ("last version", version(-1)), ("empty", []),
            ("doubled", report + report),
        ]
        for (name, mutant) in reports {
            let believed = await isBelieved(verification, mutant, certificate, vector.kind, context)
            tally.add("\(vector.id) \(name)", isBelieved: believed)
        }
        let others = try SNPVector.withReport.filter { $0.id != vector.id }.map { try $0.certificate() }
        for mutant in others + [[], Array(certificate.dropLast()), certificate + [0], certificate + certificate] {
            for kind in SNPEndorsementKeyKind.allCases {
                let believed = await isBelieved(verification, report, mutant, kind, context)
                tally.add("\(vector.id) another certificate", isBelieved: believed)
            }
        }
        let key = try Certificate(der: certificate)
        for date in [key.notBefore.addingTimeInterval(-1), key.notAfter.addingTimeInterval(1)] {
            let context = VerificationContext(clock: .fixed(date))
            let believed = await isBelieved(verification, report, certificate, vector.kind, context)
            tally.add("\(vector.id) at \(date)", isBelieved: believed)
        }
        return tally
    }

    /// Bits of what the evidence must be bound to, other lengths of it, and other texts for the same bytes.
    private func bindings(_ vector: SNPVector) async throws -> Tally {
        let verifier = SNPVerifier(.lenient)
        let context = try vector.context
        let text = Base64.encode(try vector.report())
        let table = SimulatedCertificateTable([(vector.kind == .vcek ? .vcek : .vlek, try vector.certificate())]).bytes
        func content(_ text: String) -> JSONValue {
            ["report": .string(text), "cert_table": .string(Base64.encode(table))]
        }
        let good = content(text)
        let digest = try #require(vector.binding.reportData.first)
        var wrong: [EvidenceBinding] = stride(from: 0, to: 512, by: Self.step).map { bit in
            var mutant = digest
            mutant[bit / 8] ^= 1 << (bit % 8)
            return EvidenceBinding(reportData: [mutant])
        }
        wrong += [[], [[]], [digest + [0]], [Array(digest.dropFirst())], [digest.reversed()]].map {
            EvidenceBinding(reportData: $0)
        }
        wrong += [[], [1], Array(repeating: 1, count: 32), Array(repeating: 0, count: 31)].map {
            EvidenceBinding(reportData: [digest], initDataDigest: $0 + [1])
        }
        var tally = Tally()
        for binding in wrong {
            let code = await verifier.refusal(good, binding: binding, context: context)
            tally.add("\(vector.id) binding", isBelieved: code == nil)
        }
        let binding = try vector.binding
        for mutant in [
            text + "\n", " " + text, text.replacing("A", with: "-", maxReplacements: 1), text + "A", text + "====",
        ] {
            let code = await verifier.refusal(content(mutant), binding: binding, context: context)
            tally.add("\(vector.id) base64", isBelieved: code == nil)
        }
        return tally
    }

    /// Bits of AMD's revocation lists: a list that is changed makes nothing good.
    private func revocationLists() async throws -> Tally {
        let vector = try SNPVector.named("genoa-v3-trustee-e2e")
        let name = try #require(CollateralName.amdRevocationList(product: "genoa", kind: .vcek))
        let list = try Vectors.bytes("snp/crls/genoa.crl")
        let verification = SNPReportVerification(SNPVerifier.Options())
        let report = try vector.report()
        let certificate = try vector.certificate()
        var tally = Tally()
        var mutants: [[UInt8]] = stride(from: 0, to: list.count * 8, by: 5).map { bit in
            var mutant = list
            mutant[bit / 8] ^= 1 << (bit % 8)
            return mutant
        }
        mutants += [[], Array(list.dropLast()), list + [0], try Vectors.bytes("snp/crls/milan.crl")]
        for mutant in mutants {
            let context = VerificationContext(
                clock: .fixed(try vector.date), collateral: FixedCollateral([name: CollateralItem(body: mutant)]))
            let believed = await isBelieved(verification, report, certificate, vector.kind, context)
            tally.add("list", isBelieved: believed)
        }
        return tally
    }

    /// Bits of the intermediate: one that is changed issued nothing.
    private func authorities() async throws -> Tally {
        let vector = try SNPVector.named("genoa-v3-trustee-e2e")
        let genuine = try #require(SNPTrustAnchors.amd[.genoa])
        let report = try vector.report()
        let certificate = try vector.certificate()
        let context = try vector.context
        let authority = genuine.chipAuthority.der
        var tally = Tally()
        for bit in stride(from: 0, to: authority.count * 8, by: 23) {
            var mutant = authority
            mutant[bit / 8] ^= 1 << (bit % 8)
            guard let changed = try? Certificate(der: mutant) else {
                tally.add("authority", isBelieved: false)
                continue
            }
            var options = SNPVerifier.Options.lenient
            options.anchors = SNPTrustAnchors([
                .genoa: .init(
                    root: genuine.root, chipAuthority: changed, providerAuthority: genuine.providerAuthority)
            ])
            let believed = await isBelieved(
                SNPReportVerification(options), report, certificate, vector.kind, context)
            tally.add("authority bit \(bit)", isBelieved: believed)
        }
        return tally
    }
}
