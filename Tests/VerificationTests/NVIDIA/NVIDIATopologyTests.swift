import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing

@testable import Verification

@Suite("NVIDIA: sets of devices")
struct NVIDIATopologyTests {
    private typealias Site = SimulatedNVIDIASite

    private func refusal(_ change: (inout [SimulatedNVIDIADevice]) -> Void) async throws -> String? {
        var set = try Site.protectedSet()
        change(&set)
        return try await Site.refusal(of: set, Site.setCollateral())
    }

    @Test("eight GPUs and four switches that name each other are a set, whatever the order")
    func complete() async throws {
        let set = try Site.protectedSet()
        for devices in [set, set.reversed()] {
            let found = try await Site.verdict(on: devices, Site.setCollateral()).get()
            #expect(found.count == 13 && found.count { $0.deviceClass == .gpu } == 8)
            #expect(found.count { $0.deviceClass == .switch } == 4 && found.last?.deviceClass == .ppcie)
            #expect(found.last?.claims == ["gpu_count": 8, "switch_count": 4])
            #expect(found.allSatisfy { $0.matchedReportData == 0 && $0.tee == .nvidia })
        }
    }

    @Test("A19: fewer GPUs or switches, one twice, one that names others, and one in another mode are refused")
    func incomplete() async throws {
        #expect(try await refusal { $0.removeFirst() } == "topology_incomplete")
        #expect(try await refusal { $0.removeLast() } == "topology_incomplete")
        #expect(try await refusal { $0.removeLast(4) } == "topology_incomplete")
        #expect(try await refusal { $0[1] = $0[0] } == "duplicate_device")
        #expect(try await refusal { $0[11] = $0[10] } == "duplicate_device")
        #expect(try await refusal { $0.append($0[0]) } == "duplicate_device")
        #expect(
            try await refusal {
                ($0[2].uuid, $0[5].uuid) = ("GPU-1", "GPU-1")
            } == "duplicate_device")
        #expect(try await refusal { $0[3].fields[22]?[0] ^= 1 } == "topology_incomplete")
        #expect(
            try await refusal { $0[3].fields[22] = Array($0[3].fields[22]?.prefix(24) ?? []) } == "topology_incomplete")
        #expect(try await refusal { $0[3].fields[22] = nil } == "topology_incomplete")
        #expect(try await refusal { ($0[4].fields[21], $0[4].fields[36]) = ([0x55], [0, 0]) } == "topology_incomplete")
        #expect(try await refusal { $0[9].fields[22]?[0] ^= 1 } == "topology_incomplete")
        #expect(try await refusal { $0[9].fields[22] = $0[8].fields[22] } == "topology_incomplete")
        #expect(try await refusal { $0[9].fields[26]?[0] ^= 1 } == "topology_incomplete")
        #expect(
            try await refusal { devices in
                let identifiers = devices[9].fields[26] ?? []
                devices[9].fields[26] = Array(identifiers[8..<16] + identifiers[8...])
            } == "topology_incomplete")
        #expect(try await refusal { $0[9].fields[26] = nil } == "topology_incomplete")
        #expect(try await refusal { $0[6].registers[2]?[0] ^= 1 } == "measurement_mismatch")
    }

    @Test("where a set need not be whole there is no summary of one that is not")
    func lenient() async throws {
        let set = Array(try Site.protectedSet().dropFirst())
        let found = try await Site.verdict(on: set, Site.setCollateral()) { $0.requiresTopology = false }.get()
        #expect(found.count == 11 && !found.contains { $0.deviceClass == .ppcie })
    }

    @Test("GPUs without protected PCIe stand for themselves, several at once")
    func plain() async throws {
        let maker = try Site.maker()
        let devices = try [21, 22].map { try SimulatedNVIDIADevice(number: $0, of: maker) }
        let items = try maker.collateral(for: devices[0]).merging(maker.collateral(for: devices[1])) { $1 }
        let found = try await Site.verdict(on: devices, items).get()
        #expect(found.map(\.deviceClass) == [.gpu, .gpu])
        #expect(found[0].claims["ueid"] != found[1].claims["ueid"])
        var mixed = devices
        mixed[1].architecture = .ls10
        #expect(try await Site.refusal(of: mixed, items) == "architecture_mismatch")
    }
}
