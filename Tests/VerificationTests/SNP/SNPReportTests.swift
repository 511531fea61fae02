import Encodings
import RATS
import Testing

@testable import Verification

@Suite("SEV-SNP: the bytes of a report")
struct SNPReportTests {
    private func code(_ bytes: [UInt8]) -> String? {
        do throws(VerificationError) {
            _ = try SNPReport(parsing: bytes)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("recorded reports are read and written without loss", arguments: SNPVector.withReport)
    func roundTrip(_ vector: SNPVector) throws {
        let bytes = try vector.report()
        #expect(try SNPReport(parsing: bytes).encoded() == bytes)
    }

    @Test("a report of another length is refused")
    func length() throws {
        let bytes = try SNPVector.named("genoa-v3-trustee-e2e").report()
        for wrong in [[], Array(bytes.dropLast()), bytes + [0], bytes + [1], Array(bytes.prefix(0x2A0))] {
            #expect(code(wrong) == "malformed_evidence")
        }
    }

    @Test("reserved bytes must be zero, every one of them")
    func reserved() throws {
        let version3 = try SNPVector.named("genoa-v3-trustee-e2e").report()
        let version5 = try SNPVector.named("turin-v5-openanolis").report()
        let version2 = try SNPVector.named("milan-v2-virtee").report()
        let common = [0x4C..<0x50, 0x18B..<0x1A0, 0x1EB..<0x1EC, 0x1EF..<0x1F0, 0x330..<0x4A0]
        for (bytes, ranges) in [
            (version2, common + [0x188..<0x18B, 0x1F8..<0x2A0]), (version3, common + [0x1F8..<0x2A0]),
            (version5, common + [0x208..<0x2A0]),
        ] {
            for offset in ranges.joined() {
                var changed = bytes
                changed[offset] ^= UInt8(1 << (offset % 8))
                #expect(code(changed) == "malformed_evidence", "offset \(offset)")
            }
        }
        var mitigated = version5
        mitigated[0x1F8] ^= 1
        mitigated[0x207] ^= 0x80
        #expect(code(mitigated) == nil)
    }

    @Test("versions that are not known are refused")
    func versions() throws {
        var bytes = try SNPVector.named("genoa-v3-trustee-e2e").report()
        for version: UInt8 in [0, 1, 6, 255] {
            bytes[0] = version
            #expect(code(bytes) != nil)
        }
        bytes[0] = 3
        bytes[3] = 1
        #expect(code(bytes) == "unsupported_version")
    }

    @Test("the numbers of a signature are in range, and their high bytes zero")
    func signatureNumbers() throws {
        let bytes = try SNPVector.named("genoa-v3-trustee-e2e").report()
        let good = try SNPReport(parsing: bytes).signature
        let raw = try #require(good.rawRepresentation)
        #expect(SNPSignature(rawRepresentation: raw) == good)
        let zero = [UInt8](repeating: 0, count: 72)
        let order = try Hex.decode(
            "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973")
        let orderField = Array(order.reversed()) + [UInt8](repeating: 0, count: 24)
        var belowOrder = orderField
        belowOrder[0] -= 1
        #expect(SNPSignature(r: belowOrder, s: good.s).rawRepresentation != nil)
        for wrong in [zero, orderField, [UInt8](repeating: 0xFF, count: 48) + [UInt8](repeating: 0, count: 24), []] {
            #expect(SNPSignature(r: wrong, s: good.s).rawRepresentation == nil)
            #expect(SNPSignature(r: good.r, s: wrong).rawRepresentation == nil)
        }
        for index in 48..<72 {
            var high = good.r
            high[index] = 1
            #expect(SNPSignature(r: high, s: good.s).rawRepresentation == nil)
        }
        #expect(SNPSignature(rawRepresentation: Array(raw.dropLast())) == nil)
    }

    @Test("the product follows from family and model")
    func products() {
        let cases: [(UInt8, ClosedRange<UInt8>, SNPProduct?)] = [
            (0x19, 0x00...0x0F, .milan), (0x19, 0x10...0x1F, .genoa), (0x19, 0x20...0x9F, nil),
            (0x19, 0xA0...0xAF, .genoa), (0x19, 0xB0...0xFF, nil), (0x1A, 0x00...0x11, .turin),
            (0x1A, 0x12...0x4F, nil),
            (0x1A, 0x50...0x57, .venice), (0x1A, 0x58...0x8F, nil), (0x1A, 0x90...0xAF, .venice),
            (0x1A, 0xC0...0xC7, .venice), (0x1A, 0xC8...0xFF, nil), (0x17, 0x00...0xFF, nil),
        ]
        for (family, models, product) in cases {
            for model in models {
                #expect(SNPProduct(SNPProcessor(family: family, model: model, stepping: 1)) == product)
            }
        }
    }

    @Test("security patch levels stand in other places from Turin on")
    func levels() {
        let raw = SNPTCB(rawValue: 0x61_00_00_00_05_02_03_01)
        #expect(
            raw.levels(of: .turin) == SNPTCBLevels(fmc: 1, bootloader: 3, tee: 2, snp: 5, microcode: 0x61))
        #expect(raw.levels(of: .milan) == nil)
        let milan = SNPTCBLevels(bootloader: 4, tee: 1, snp: 0x18, microcode: 0xDB)
        #expect(SNPTCB(milan, product: .milan).rawValue == 0xDB18_0000_0000_0104)
        #expect(SNPTCB(milan, product: .milan).levels(of: .milan) == milan)
        #expect(SNPTCB(milan, product: .milan).levels(of: .turin) == nil)
    }
}
