import RATS

/// Chooses the attester of this machine. The sample attester is never chosen unless it was asked for.
public enum AttesterDetection {
    /// The attester to use: the first TEE that is there, in a fixed order, with the devices that belong to it.
    ///
    /// - Parameters:
    ///   - settings: what is accepted.
    ///   - kernel: what the machine is asked through.
    ///   - warn: is told what an operator should know about the choice.
    /// - Throws: `GuestError` with `no_tee`, naming the paths that are missing and what a pod needs to see them; whatever a
    ///   candidate throws that is there but of no use. A TPM that cannot be used is such an error only where no processor
    ///   is found that makes reports itself.
    public static func attester(
        _ settings: AttesterSettings, kernel: any Kernel = RealKernel(), warn: (String) -> Void = { _ in }
    ) throws(GuestError) -> any Attester {
        let primary = try primary(settings, kernel, warn)
        let devices = try devices(settings)
        return devices.isEmpty ? primary : CompositeAttester(primary: primary, devices: devices)
    }

    private static func primary(
        _ settings: AttesterSettings, _ kernel: any Kernel, _ warn: (String) -> Void
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
        guard let attester = try first(of: candidates, kernel, warn) else { throw missing(candidates, settings) }
        return attester
    }

    /// The first that is there. What a TPM that cannot be used hides may be passed over for evidence of the processor itself,
    /// which proves no less; never for that of a bare TPM.
    private static func first(
        of candidates: [AttesterCandidate], _ kernel: any Kernel, _ warn: (String) -> Void
    ) throws(GuestError) -> (any Attester)? {
        var hidden: GuestError?
        for candidate in candidates where hidden == nil || !candidate.isBehindTPM {
            do throws(GuestError) {
                guard let attester = try candidate.find(kernel) else { continue }
                if let hidden {
                    warn(
                        "\(candidate.tee.rawValue) is attested without a look into the TPM, which cannot be used: "
                            + hidden.message)
                }
                return attester
            } catch {
                guard candidate.isBehindTPM else { throw error }
                hidden = error
            }
        }
        if let hidden { throw hidden }
        return nil
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
