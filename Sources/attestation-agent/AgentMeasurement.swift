import Guest
import KBSProtocol
import Logging
import RATS

/// What the agent measures while it runs, and how what it was started with is tied to the hardware.
struct AgentMeasurement: Sendable {
    let events: RuntimeMeasurements
    private let binding: InitDataBinding
    private let digest: [UInt8]?
    private let logger: Logger

    /// Opens the event log, where one is wanted.
    ///
    /// - Parameters:
    ///   - initData: the document that the guest was started with.
    ///   - digest: its digest, where there is no document.
    init(
        _ settings: AgentSettings, attester: any Attester, initData: String?, kernel: any Kernel = RealKernel(),
        logger: Logger
    ) throws(AgentFailure) {
        self.logger = logger
        let device = TPMDevice.find(settings.measurement.tpmDevice, kernel: kernel)
        binding = InitDataBinding(attester, kernel: kernel, device: device)
        do {
            digest = try initData.map { try InitData(toml: $0).digest } ?? settings.initDataDigest
            events = try Self.events(settings.measurement, attester.tee, kernel, device)
        } catch let error as GuestError {
            throw AgentFailure(error)
        } catch {
            throw AgentFailure(AgentFailure.badSetting, "The init-data document cannot be used: \(error)")
        }
    }

    private static func events(
        _ settings: MeasurementSettings, _ tee: TEE, _ kernel: any Kernel, _ device: TPMDevice?
    ) throws(GuestError) -> RuntimeMeasurements {
        guard settings.eventLogIsWanted else { return .disabled }
        let registers: (any MeasurementRegisters)? =
            switch tee {
            case .tdx: TDXRegisters(kernel: kernel)
            case .tpm, .azSNPvTPM, .azTDXvTPM: device.map(TPMRegisters.init)
            default: nil
            }
        // First what an interrupted agent left is finished, and then the log is looked at.
        let events = try RuntimeMeasurements(
            into: registers, path: settings.eventLogPath, register: settings.eventLogRegister)
        if let registers { try requireFirmwareLog(for: registers, settings, tee, kernel, device) }
        return events
    }

    /// Evidence of Azure has no log, and so nobody follows one to firmware's registers.
    private static func requireFirmwareLog(
        for registers: any MeasurementRegisters, _ settings: MeasurementSettings, _ tee: TEE, _ kernel: any Kernel,
        _ device: TPMDevice?
    ) throws(GuestError) {
        let events = LoggedEvents(settings.eventLogPath)
        switch tee {
        case .tdx:
            try FirmwareEventLog(kernel: kernel, agentEvents: events.entries)
                .requireLead(to: TDXRegisters.firmwareRegisters, of: registers)
        case .tpm:
            let path = device.map(PlatformEventLog.path(of:)) ?? PlatformEventLog.usualPath
            try FirmwareEventLog(kernel: kernel, path: path, agentEvents: events.entries)
                .requireLead(to: TPMRegisters.firmwareRegisters, of: registers)
        default:
            break
        }
    }

    /// Ties the init-data to the hardware before anything is served.
    func bind() async throws(AgentFailure) {
        guard let digest else { return }
        do throws(GuestError) {
            switch try await binding.bind(digest) {
            case .measured: logger.info("the init-data is what the hardware measured")
            case .extended: logger.info("the TPM's register 8 holds the init-data's digest")
            case .unsupported: logger.warning("this TEE has no place for init-data: nothing was compared")
            }
        } catch {
            throw AgentFailure(error)
        }
    }
}
