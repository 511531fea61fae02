import Crypto
import Glibc
import GuestTestSupport
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

extension SimulatedKernel {
    /// The kernel of a trust domain since Linux 6.16, which shows the configuration and lets guests extend the last two
    /// registers by writing to them.
    static func trustDomain(configurationID: [UInt8] = [UInt8](repeating: 0, count: 48)) -> SimulatedKernel {
        let kernel = SimulatedKernel()
        let folder = "/sys/devices/virtual/misc/tdx_guest/measurements"
        kernel.put(.folder, at: folder)
        kernel.put(.file(configurationID), at: "\(folder)/mrconfigid")
        for number in 0..<4 {
            let path = "\(folder)/rtmr\(number):sha384"
            let register = ExtendableFile()
            kernel.put(
                .attribute(
                    read: { () throws(GuestError) in register.value },
                    write: { digest throws(GuestError) in
                        guard number >= 2 else { throw SimulatedKernel.refusal(EACCES, path) }
                        guard digest.count == 48 else { throw SimulatedKernel.refusal(EINVAL, path) }
                        register.extend(digest)
                    }),
                at: path)
        }
        return kernel
    }

    /// An older kernel of a trust domain, which makes reports on request.
    static func trustDomain(report: [UInt8]) -> SimulatedKernel {
        let kernel = SimulatedKernel()
        kernel.put(
            .device(
                SimulatedDevice { request throws(GuestError) in
                    request.number == 0xC440_5401
                        ? DeviceAnswer(argument: Array(request.argument.prefix(64)) + report) : request.unknown
                }), at: "/dev/tdx_guest")
        return kernel
    }
}

/// A register of SHA-384 behind a file.
private final class ExtendableFile: Sendable {
    private let state = Mutex([UInt8](repeating: 0, count: 48))

    var value: [UInt8] { state.withLock { $0 } }

    func extend(_ digest: [UInt8]) { state.withLock { $0 = Array(SHA384.hash(data: $0 + digest)) } }
}
