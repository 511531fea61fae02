import Crypto
import KBSProtocol
import Synchronization

@testable import Guest

/// Registers of SHA-384 numbered as a trust domain's, that remember what they were extended with and refuse when told to.
final class SimulatedRegisters: MeasurementRegisters {
    /// When an extension fails.
    enum Failure: Sendable {
        case beforehand, afterwards
    }

    private struct State {
        var values: [UInt32: [UInt8]] = [:]
        var failure: Failure?
    }

    let algorithm = HashAlgorithm.sha384
    private let state = Mutex(State())

    /// The values of all registers that are not zero.
    var values: [UInt32: [UInt8]] {
        get { state.withLock { $0.values } }
        set { state.withLock { $0.values = newValue } }
    }

    func fail(_ failure: Failure?) { state.withLock { $0.failure = failure } }

    func logIndex(ofPCR register: UInt64) -> UInt32 { TDXRegisters.logIndex(ofPCR: register) }

    func value(at logIndex: UInt32) -> [UInt8] {
        state.withLock { $0.values[logIndex] ?? [UInt8](repeating: 0, count: 48) }
    }

    func extend(at logIndex: UInt32, with digest: [UInt8]) throws(GuestError) {
        let failure = state.withLock { $0.failure }
        if case .beforehand = failure { throw GuestError(.system, "refused") }
        let value = value(at: logIndex)
        state.withLock { $0.values[logIndex] = extended(value, with: digest) }
        if case .afterwards = failure { throw GuestError(.system, "refused") }
    }
}

/// The files of a trust domain's measurements: writing a register extends it, as in Linux 6.16.
final class SimulatedTrustDomainKernel: Kernel {
    private let files: Mutex<[String: [UInt8]]>
    private let report: [UInt8]?

    init(_ files: [String: [UInt8]], report: [UInt8]? = nil) {
        self.files = Mutex(files)
        self.report = report
    }

    /// With all four registers, and this configuration.
    convenience init(configurationID: [UInt8] = [UInt8](repeating: 0, count: 48)) {
        let folder = "/sys/devices/virtual/misc/tdx_guest/measurements"
        var files = ["\(folder)": [], "\(folder)/mrconfigid": configurationID]
        for number in 0..<4 { files["\(folder)/rtmr\(number):sha384"] = [UInt8](repeating: 0, count: 48) }
        self.init(files)
    }

    func exists(_ path: String) -> Bool { files.withLock { $0[path] != nil } }

    func read(_ path: String, limit: Int) throws(GuestError) -> [UInt8] {
        guard let bytes = files.withLock({ $0[path] }), bytes.count <= limit else {
            throw GuestError(.system, "\(path) cannot be read")
        }
        return bytes
    }

    func write(_ bytes: [UInt8], to path: String) throws(GuestError) {
        // The kernel lets guests extend the last two.
        guard bytes.count == 48, path.hasSuffix("/rtmr2:sha384") || path.hasSuffix("/rtmr3:sha384") else {
            throw GuestError(.system, "\(path) cannot be written")
        }
        files.withLock { $0[path] = Array(SHA384.hash(data: ($0[path] ?? []) + bytes)) }
    }

    func makeDirectory(_ path: String) throws(GuestError) { throw GuestError(.system, "no") }
    func removeDirectory(_ path: String) throws(GuestError) { throw GuestError(.system, "no") }
    func list(_ path: String) throws(GuestError) -> [String] { throw GuestError(.system, "no") }

    func open(_ path: String, _ access: DeviceAccess) throws(GuestError) -> any Device {
        guard path == "/dev/tdx_guest", let report else { throw GuestError(.system, "\(path) does not exist") }
        return ReportDevice(report: report)
    }

    private struct ReportDevice: Device {
        let report: [UInt8]

        func control(_ request: DeviceRequest) throws(GuestError) -> DeviceAnswer {
            guard request.number == 0xC440_5401, request.argument.count == 1088 else {
                return DeviceAnswer(result: -1, systemError: 25, argument: request.argument)
            }
            return DeviceAnswer(argument: request.argument.prefix(64) + report)
        }

        func exchange(_ command: [UInt8], limit: Int) throws(GuestError) -> [UInt8] {
            throw GuestError(.system, "no")
        }
    }
}
