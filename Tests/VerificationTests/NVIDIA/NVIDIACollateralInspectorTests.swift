import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing
import Verification

@Suite("NVIDIA: collateral before it is kept")
struct NVIDIACollateralInspectorTests {
    private func code(
        _ item: CollateralItem, _ name: CollateralName, _ inspector: NVIDIACollateralInspector
    ) -> String? {
        do throws(CollateralError) {
            _ = try inspector.inspect(item, named: name)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("a manifest of NVIDIA's is kept under the identifier of its version, newer ones after older ones")
    func manifests() throws {
        let inspector = NVIDIACollateralInspector()
        let firmware = CollateralItem(
            body: try Vectors.bytes("nvidia/rims/1010_0200_882_96005E0001_PROD.swidtag"))
        let name = try #require(CollateralName.nvidiaManifest("NV_GPU_VBIOS_1010_0200_882_96005E0001"))
        let validity = try inspector.inspect(firmware, named: name)
        #expect(validity.issued < Date.now && validity.nextUpdate.map { $0 > validity.issued } == true)
        #expect(validity.sequence == UInt64(validity.issued.timeIntervalSince1970))
        let driver = CollateralItem(body: try Vectors.bytes("nvidia/rims/NV_GPU_DRIVER_GH100_550.144.03.xml"))
        let driverName = try #require(CollateralName.nvidiaManifest("NV_GPU_DRIVER_GH100_550.144.03"))
        #expect(code(driver, driverName, inspector) == nil)
        #expect(code(driver, name, inspector) == "collateral_invalid")
        for other in ["NV_SWITCH_BIOS_5612_0002_890_96005E0001", "NV_GPU_VBIOS_1010_0200_882_96005E0002"] {
            let name = try #require(CollateralName.nvidiaManifest(other))
            #expect(code(firmware, name, inspector) == "collateral_invalid")
        }
        var changed = firmware.body
        changed[changed.count / 2] ^= 1
        #expect(code(CollateralItem(body: changed), name, inspector) == "collateral_invalid")
        for text in ["nvidia/rim", "amd/crl/milan/vcek", "nvidia/other/a", "nvidia/rim/a/b"] {
            let name = try #require(CollateralName(text))
            #expect(code(firmware, name, inspector) == "collateral_unknown")
        }
    }

    @Test("an answer about a certificate is kept under its serial number with the chain that shows whose it is")
    func answers() throws {
        let maker = try SimulatedNVIDIASite.maker()
        let device = try SimulatedNVIDIASite.device(.hopper)
        let inspector = NVIDIACollateralInspector(anchors: maker.anchors, manifestAnchors: maker.manifestAnchors)
        let items = try maker.collateral(for: device)
        for (name, item) in items { #expect(code(item, name, inspector) == nil, "\(name)") }
        let name = CollateralName.nvidiaOCSPResponse(device.chain[1].serialNumber)
        let item = try #require(items[name])
        let validity = try inspector.inspect(item, named: name)
        #expect(validity.nextUpdate == Simulation.now.addingTimeInterval(86_400))
        for other in [
            CollateralItem(body: item.body), CollateralItem(body: item.body, issuerChain: item.issuerChain.dropLast()),
            CollateralItem(body: item.body, issuerChain: Array(item.issuerChain.dropFirst())),
            CollateralItem(body: item.body.dropLast(), issuerChain: item.issuerChain),
            CollateralItem(body: item.body, issuerChain: [[1]]),
        ] {
            #expect(code(other, name, inspector) == "collateral_invalid")
        }
        // Real roots know nothing of it.
        #expect(code(item, name, NVIDIACollateralInspector()) == "collateral_invalid")
    }
}
