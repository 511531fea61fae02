import HTTPTransport
import RATS

extension AttesterDetection {
    /// All TEEs that may be found, in the order in which they are looked for.
    static func candidates(_ settings: AttesterSettings) -> [AttesterCandidate] {
        [
            tdx(settings), sgx(settings), azure(.azTDXvTPM, settings), azure(.azSNPvTPM, settings), snp,
            csv(settings), cca(settings), se(settings), tpm(settings),
        ]
    }

    private static func tdx(_ settings: AttesterSettings) -> AttesterCandidate {
        let device = "/dev/tdx_guest"
        return AttesterCandidate(
            .tdx, paths: [TSMReport.folder, device], mount: "the host's /sys/kernel/config, writable, and \(device)"
        ) { (kernel) throws(GuestError) in
            guard provider(kernel) == .tdx || kernel.exists(device) else { return nil }
            return TDXAttester(
                kernel: kernel, eventLog: FirmwareEventLog(kernel: kernel, agentEvents: settings.agentEvents))
        }
    }

    private static func sgx(_ settings: AttesterSettings) -> AttesterCandidate {
        AttesterCandidate(
            .sgx, paths: [SGXAttester.typePath + " (Gramine)", SGXAttester.device + " (Occlum)"],
            mount: "an enclave's system with DCAP switched on"
        ) { (kernel) throws(GuestError) in
            SGXAttester.system(of: kernel, environment: settings.environment)
                .map { SGXAttester(kernel: kernel, system: $0) }
        }
    }

    private static var snp: AttesterCandidate {
        let platform = "/sys/devices/platform/sev-guest"
        return AttesterCandidate(
            .snp, paths: [platform, SEVGuestDevice.path],
            mount: "the device \(SEVGuestDevice.path), or the host's /sys/kernel/config, writable"
        ) { (kernel) throws(GuestError) in
            let isThere = kernel.exists(platform) || kernel.exists(SEVGuestDevice.path)
            guard isThere || provider(kernel) == .sevSNP else { return nil }
            return SNPAttester(kernel: kernel)
        }
    }

    private static func csv(_ settings: AttesterSettings) -> AttesterCandidate {
        let path = CSVGuestDevice.path
        return AttesterCandidate(.csv, paths: [path], mount: "the device \(path)") { (kernel) throws(GuestError) in
            guard kernel.exists(path) else { return nil }
            return CSVAttester(
                kernel: kernel, eventLog: FirmwareEventLog(kernel: kernel, agentEvents: settings.agentEvents),
                chain: try settings.includesCSVChain ? csvChain() : nil)
        }
    }

    private static func csvChain() throws(GuestError) -> CSVChainSource {
        do throws(HTTPTransportError) {
            return CSVChainSource(
                client: try HTTPClient(configuration: HTTPClientConfiguration(maximumResponseBytes: 65_536)))
        } catch {
            throw GuestError(.invalidRequest, error.message)
        }
    }

    private static func cca(_ settings: AttesterSettings) -> AttesterCandidate {
        AttesterCandidate(
            .cca, paths: [TSMReport.folder], mount: "the host's /sys/kernel/config, writable"
        ) { (kernel) throws(GuestError) in
            guard settings.architecture == "aarch64", provider(kernel) == .cca else { return nil }
            return CCAAttester(kernel: kernel)
        }
    }

    private static func se(_ settings: AttesterSettings) -> AttesterCandidate {
        AttesterCandidate(
            .se, paths: [SEAttester.guestBit], mount: "the host's /sys/firmware/uv and the device \(Ultravisor.path)"
        ) { (kernel) throws(GuestError) in
            guard settings.architecture == "s390x", (try? kernel.text(SEAttester.guestBit, limit: 64)) == "1" else {
                return nil
            }
            return SEAttester(kernel: kernel)
        }
    }

    /// Who makes reports behind configfs; nil when nobody known does, or the agent may not ask.
    private static func provider(_ kernel: any Kernel) -> TSMReport.Provider? {
        let tsm = TSMReport(kernel: kernel)
        guard tsm.isMounted, let name = try? tsm.provider() else { return nil }
        return TSMReport.Provider(rawValue: name)
    }
}
