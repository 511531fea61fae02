import EvidenceSimulator
import Foundation
import RATS
import Testing
import X509TestSupport
import X509Trust

@testable import Verification

@Suite("SEV-SNP: collateral")
struct SNPCollateralTests {
    private let guest: SNPGuest
    private let name: CollateralName

    init() throws {
        guest = try SNPGuest()
        name = try #require(
            CollateralName.amdVCEK(
                product: "genoa", hardwareID: guest.hardwareID, levels: guest.levels.collateralLevels))
    }

    private func code(_ body: [UInt8], named name: CollateralName?) -> String? {
        do throws(CollateralError) {
            guard let name else { return "no name" }
            _ = try SNPCollateralInspector(anchors: guest.amd.anchors).inspect(CollateralItem(body: body), named: name)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("the chip's certificate is asked for by product, chip and firmware when the guest sends none")
    func fromCollateral() async throws {
        #expect(name.path.hasSuffix("/bl10_tee2_snp23_ucode200"))
        let evidence = rawEvidence(try guest.report.signed(by: guest.key), certificate: nil, kind: .vcek)
        func code(_ items: [CollateralName: CollateralItem]) async throws -> String? {
            await SNPVerifier(guest.options()).refusal(
                evidence, binding: EvidenceBinding(reportData: [guest.digest]),
                context: VerificationContext(clock: .fixed(guest.amd.now), collateral: try guest.collateral(items)))
        }
        #expect(try await code([name: CollateralItem(body: guest.key.certificate)]) == nil)
        #expect(try await code([:]) == "collateral_unavailable")
        #expect(try await code([name: CollateralItem(body: [1, 2, 3])]) == "collateral_unavailable")
        let other = try SNPGuest(guest.amd)
        #expect(try await code([name: CollateralItem(body: other.key.certificate)]) == "signature_invalid")
    }

    @Test("Turin's chips are asked for by 8 bytes and with the level of the first mutable code")
    func turin() async throws {
        let vector = try SNPVector.named("turin-v5-openanolis")
        let name = try #require(CollateralName("amd/vcek/turin/0910b4f884ff4ba9/fmc1_bl3_tee2_snp5_ucode97"))
        var content = try #require(vector.evidence().objectValue)
        content["cert_chain"] = .null
        let collateral = FixedCollateral([name: CollateralItem(body: try vector.certificate())])
        let context = VerificationContext(clock: .fixed(try vector.date), collateral: collateral)
        let code = await SNPVerifier(.lenient).refusal(.object(content), binding: try vector.binding, context: context)
        #expect(code == nil)
    }

    @Test("a provider's key cannot be asked for")
    func provider() async throws {
        let guest = try SNPGuest(.genoa, kind: .vlek)
        let evidence = rawEvidence(try guest.report.signed(by: guest.key), certificate: nil, kind: .vlek)
        let code = await SNPVerifier(guest.options()).refusal(
            evidence, binding: EvidenceBinding(reportData: [guest.digest]),
            context: VerificationContext(clock: .fixed(guest.amd.now), collateral: try guest.collateral()))
        #expect(code == "collateral_unavailable")
    }

    @Test("recorded certificates are kept under exactly the name that they stand for", arguments: SNPVector.withReport)
    func recordedKeys(_ vector: SNPVector) throws {
        guard vector.kind == .vcek else { return }
        let der = try vector.certificate()
        let report = try SNPReport(parsing: vector.report())
        let product = try vector.product
        let levels = try #require(report.reportedTCB.levels(of: product))
        let hardwareID = Array(report.chipID.prefix(product.hardwareIDByteCount))
        func inspect(_ hardwareID: [UInt8], _ levels: SNPTCBLevels) throws -> CollateralValidity {
            let name = CollateralName.amdVCEK(
                product: product.collateralName, hardwareID: hardwareID, levels: levels.collateralLevels)
            return try SNPCollateralInspector().inspect(CollateralItem(body: der), named: #require(name))
        }
        let validity = try inspect(hardwareID, levels)
        #expect(validity.nextUpdate == nil)
        #expect(validity.sequence == nil)
        var other = levels
        other.snp &+= 1
        #expect(throws: CollateralError.self) { try inspect(hardwareID, other) }
        #expect(throws: CollateralError.self) { try inspect(hardwareID.reversed(), levels) }
    }

    @Test("AMD's recorded revocation lists are kept, each for its product, with their number")
    func recordedLists() throws {
        for (product, number, other) in [("milan", UInt64(6), "genoa"), ("genoa", 4, "milan")] {
            let item = CollateralItem(body: try Vectors.bytes("snp/crls/\(product).crl"))
            for kind in SNPEndorsementKeyKind.allCases {
                let name = try #require(CollateralName.amdRevocationList(product: product, kind: kind))
                let validity = try SNPCollateralInspector().inspect(item, named: name)
                #expect(validity.sequence == number)
                #expect(try #require(validity.nextUpdate) > validity.issued)
                let wrong = try #require(CollateralName.amdRevocationList(product: other, kind: kind))
                #expect(throws: CollateralError.self) { try SNPCollateralInspector().inspect(item, named: wrong) }
            }
        }
    }

    @Test("what no verifier would believe is not kept")
    func refused() throws {
        #expect(code(guest.key.certificate, named: name) == nil)
        #expect(code([], named: name) == "collateral_invalid")
        let impostor = try SimulatedAMD(isImpostor: true)
        let forged = try impostor.endorsementKey(.vcek, hardwareID: guest.hardwareID, levels: guest.levels)
        #expect(code(forged.certificate, named: name) == "collateral_invalid")
        let provider = try guest.amd.endorsementKey(.vlek, hardwareID: [], levels: guest.levels)
        #expect(code(provider.certificate, named: name) == "collateral_invalid")
        // Whether it is current is asked when it is used.
        let expired = try guest.amd.endorsementKey(
            .vcek, hardwareID: guest.hardwareID, levels: guest.levels, validFor: -900...(-800))
        #expect(code(expired.certificate, named: name) == nil)

        let list = CollateralName.amdRevocationList(product: "genoa", kind: .vcek)
        #expect(code(try guest.amd.revocationList(), named: list) == nil)
        #expect(code(try impostor.revocationList(), named: list) == "collateral_invalid")
        #expect(code(try guest.amd.revocationList(by: guest.amd.chipAuthority), named: list) == "collateral_invalid")
        #expect(code(guest.key.certificate, named: list) == "collateral_invalid")
        for unknown in [
            "amd/crl/genoa/ark", "amd/ark/genoa/x", "amd/crl/naples/vcek", "intel/crl/root", "amd/crl/genoa/vcek/x",
        ] {
            #expect(code(try guest.amd.revocationList(), named: CollateralName(unknown)) == "collateral_unknown")
        }
    }

    @Test("security patch levels are numbers from 0 to 255 in DER, and nothing else")
    func levels() throws {
        for (bytes, level): ([UInt8], UInt8) in [
            ([2, 1, 0], 0), ([2, 1, 0x7F], 127), ([2, 2, 0, 0x80], 128), ([2, 2, 0, 0xD9], 217),
            ([2, 2, 0, 0xFF], 255),
        ] {
            #expect(try SNPCertificateExtensions.level(bytes) == level)
        }
        for bytes: [UInt8] in [
            [], [2], [2, 0], [2, 1], [2, 1, 0x80], [2, 1, 0xFF], [2, 2, 0, 5], [2, 2, 1, 0], [2, 2, 0xFF, 0x80],
            [2, 1, 5, 0], [4, 1, 5], [5], [2, 3, 0, 0, 0x80], [2, 0x81, 1, 5],
        ] {
            #expect(throws: X509Error.self) { try SNPCertificateExtensions.level(bytes) }
        }
    }

    @Test("a hardware identifier is 64 or 8 bytes, with or without an octet string around them")
    func hardwareIDs() async throws {
        let long = [UInt8](1...64)
        let short = [UInt8](1...8)
        #expect(SNPCertificateExtensions.hardwareID(long) == long)
        #expect(SNPCertificateExtensions.hardwareID(short) == short)
        #expect(SNPCertificateExtensions.hardwareID([4, 64] + long) == long)
        #expect(SNPCertificateExtensions.hardwareID([4, 8] + short) == short)
        for wrong in [
            [], Array(long.dropLast()), long + [0], [4, 63] + long, [3, 64] + long, [4, 8] + long, [4, 7] + short,
            [4, 64] + long + [0], Array(repeating: 0, count: 32),
        ] {
            #expect(SNPCertificateExtensions.hardwareID(wrong) == nil)
        }
        let wrapped = try guest.amd.endorsementKey(
            .vcek, hardwareID: ASN1.octetString(guest.hardwareID), levels: guest.levels)
        #expect(try await guest.refusal(key: wrapped) == nil)
        // Eight bytes are Turin's: on Genoa they name no chip.
        let cut = try guest.amd.endorsementKey(
            .vcek, hardwareID: Array(guest.hardwareID.prefix(8)), levels: guest.levels)
        #expect(try await guest.refusal(key: cut) == "chip_id_mismatch")
    }

    @Test("a certificate without one of AMD's extensions is no endorsement key's")
    func missingExtensions() async throws {
        for number in ["2", "3.1", "3.2", "3.3", "3.8", "4"] {
            let key = try guest.amd.endorsementKey(
                .vcek, hardwareID: guest.hardwareID, levels: guest.levels, replacing: [number: nil])
            #expect(try await guest.refusal(key: key) == "malformed_evidence", "\(number)")
        }
        let spare = try guest.amd.endorsementKey(
            .vcek, hardwareID: guest.hardwareID, levels: guest.levels, replacing: ["3.5": ASN1.integer(1)])
        #expect(try await guest.refusal(key: spare) == "malformed_evidence")
        let stranger = try guest.amd.endorsementKey(
            .vcek, hardwareID: guest.hardwareID, levels: guest.levels, subject: "SEV-OTHER")
        #expect(try await guest.refusal(key: stranger) == "malformed_evidence")
    }
}
