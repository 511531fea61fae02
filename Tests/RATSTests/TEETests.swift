import RATS
import Testing

@Suite("TEE names")
struct TEETests {
    @Test("every TEE is found by its wire name")
    func wireNames() {
        for tee in TEE.allCases { #expect(TEE(wireName: tee.rawValue) == tee) }
    }

    @Test(
        "older spellings mean the TEE of today",
        arguments: [
            ("azsnpvtpm", TEE.azSNPvTPM), ("aztdxvtpm", .azTDXvTPM), ("nvidiadpu", .nvidiaDPU), ("dpu", .nvidiaDPU),
        ])
    func aliases(name: String, tee: TEE) {
        #expect(TEE(wireName: name) == tee)
    }

    @Test("other names are no TEE", arguments: ["", "SNP", "sev-es", "unknown", "snp ", "az_snp_vtpm"])
    func unknown(name: String) {
        #expect(TEE(wireName: name) == nil)
    }

    @Test("submodules count from zero in each class")
    func submoduleNames() {
        #expect(
            DeviceClass.submoduleNames(of: [.cpu, .gpu, .gpu, .switch, .gpu, .nvidiaDPU])
                == ["cpu0", "gpu0", "gpu1", "switch0", "gpu2", "nvidia-dpu0"])
    }

    @Test("a submodule's name tells its class")
    func classOfSubmodule() {
        #expect(DeviceClass(submoduleName: "cpu0") == .cpu)
        #expect(DeviceClass(submoduleName: "cpu") == .cpu)
        #expect(DeviceClass(submoduleName: "nvidia-dpu12") == .nvidiaDPU)
        #expect(DeviceClass(submoduleName: "0cpu") == nil)
        #expect(DeviceClass(submoduleName: "tpu0") == nil)
    }

    @Test("devices have classes of their own")
    func deviceClasses() {
        #expect(TEE.snp.deviceClass == .cpu)
        #expect(TEE.sampledevice.deviceClass == .gpu)
        #expect(TEE.hygondcu.deviceClass == .dcu)
    }
}
