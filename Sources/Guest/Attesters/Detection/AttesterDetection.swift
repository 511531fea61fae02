import RATS

/// Chooses the attester of this machine. The sample attester is never chosen unless it was asked for.
public enum AttesterDetection {
    /// The attester to use: the first TEE that is there, in a fixed order, with the devices that belong to it.
    ///
    /// - Parameters:
    ///   - settings: what is accepted.
    ///   - kernel: what the machine is asked through.
    /// - Throws: `GuestError` with `no_tee`, naming the paths that are missing and what a pod needs to see them; whatever a
    ///   candidate throws that is there but of no use.
    public static func attester(
        _ settings: AttesterSettings, kernel: any Kernel = RealKernel()
    ) throws(GuestError) -> any Attester {
        let primary = try primary(settings, kernel)
        let devices = try devices(settings)
        return devices.isEmpty ? primary : CompositeAttester(primary: primary, devices: devices)
    }

    private static func primary(
        _ settings: AttesterSettings, _ kernel: any Kernel
    ) throws(GuestError) -> any Attester {
        if settings.allowSample {
            guard settings.required.isEmpty || settings.required.contains(.sample) else {
                throw GuestError(
                    .noTEE, "The sample attester is allowed, but --tee does not name it. Drop one of both.")
            }
            return SampleAttester()
        }
        let candidates = candidates(settings).filter {
            settings.required.isEmpty || settings.required.contains($0.tee)
        }
        for candidate in candidates {
            if let attester = try candidate.find(kernel) { return attester }
        }
        throw missing(candidates, settings)
    }

    private static func missing(_ candidates: [AttesterCandidate], _ settings: AttesterSettings) -> GuestError {
        let hint = "For development without hardware start with --allow-sample."
        guard !candidates.isEmpty else {
            return GuestError(
                .noTEE,
                "None of the TEEs that --tee names can be attested here without being asked for otherwise. \(hint)")
        }
        let list = candidates.map { candidate in
            "\(candidate.tee.rawValue): \(candidate.paths.joined(separator: " or ")) (\(candidate.mount))"
        }
        let subject = settings.required.isEmpty ? "No TEE was found" : "No TEE that --tee accepts was found"
        return GuestError(.noTEE, "\(subject). Missing are \(list.joined(separator: "; ")). \(hint)")
    }

    private static func devices(_ settings: AttesterSettings) throws(GuestError) -> [any DeviceAttester] {
        var devices: [any DeviceAttester] = []
        if !settings.nvidiaCommands.isEmpty { devices.append(NVIDIAAttester(commands: settings.nvidiaCommands)) }
        if settings.environment["ENABLE_SAMPLE_DEVICE"] != nil { devices.append(SampleDeviceAttester()) }
        return devices
    }
}
