import Guest
import Verification

#if canImport(Glibc)
    import Glibc
#endif

/// What the agent reads of its own machine: a TPM can be the host's program, and firmware's tables are the host's too.
extension FuzzTarget {
    func tpmAnswer(_ bytes: [UInt8]) {
        let device = TPMDevice("/dev/tpmrm0", kernel: FuzzKernel(bytes))
        _ = try? TPMAttester(device).isUsable()
        _ = try? AzureAttester(device)
        let registers = TPMRegisters(device)
        if let value = try? registers.value(at: 8), value.count != 32 { abort() }
        try? registers.extend(at: 8, with: [UInt8](repeating: 0, count: 32))
    }

    func guestLog(_ bytes: [UInt8]) {
        let kernel = FuzzKernel(bytes)
        guard let log = try? FirmwareEventLog(kernel: kernel).bytes() else { return }
        // The agent adds an end mark and invents nothing.
        guard log.suffix(8).allSatisfy({ $0 == 0xFF }), bytes.starts(with: log.dropLast(8)) else { abort() }
        // What a verifier reads of the table it reads of this too.
        guard let whole = try? EventLog.parse(bytes) else { return }
        guard let trimmed = try? EventLog.parse(log), trimmed.events.count == whole.events.count else { abort() }
    }
}

/// A machine whose files and devices all consist of the same bytes.
private struct FuzzKernel: Kernel, Device {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func exists(_ path: String) -> Bool { true }
    func read(_ path: String, limit: Int) throws(GuestError) -> [UInt8] { Array(bytes.prefix(limit)) }
    func write(_ bytes: [UInt8], to path: String) throws(GuestError) {}
    func makeDirectory(_ path: String) throws(GuestError) {}
    func removeDirectory(_ path: String) throws(GuestError) {}
    func list(_ path: String) throws(GuestError) -> [String] { [] }
    func open(_ path: String, _ access: DeviceAccess) throws(GuestError) -> any Device { self }
    func control(_ request: DeviceRequest) throws(GuestError) -> DeviceAnswer {
        DeviceAnswer(argument: Array(bytes.prefix(request.argument.count)))
    }
    func exchange(_ command: [UInt8], limit: Int) throws(GuestError) -> [UInt8] { Array(bytes.prefix(limit)) }
}
