import Encodings
import RATS
import Synchronization

/// Evidence of Intel SGX enclaves that run on a library operating system.
struct SGXAttester: HardwareAttester {
    /// The library operating system.
    enum System: Sendable, Hashable {
        case gramine
        case occlum
    }

    static let typePath = "/dev/attestation/attestation_type"
    static let device = "/dev/sgx"
    /// `_IOR('s', 7, uint32_t)`.
    private static let quoteSize: UInt = 0x8004_7307
    /// `_IOWR('s', 8, …)`: pointers to report data, to the quote's size, and to the quote.
    private static let generateQuote: UInt = 0xC018_7308
    private static let limit = 65_536

    let tee = TEE.sgx
    let kernel: any Kernel
    let system: System
    /// Gramine keeps one report data for the whole process.
    private let turn = Turn()

    init(kernel: any Kernel, system: System) {
        self.kernel = kernel
        self.system = system
    }

    /// The library operating system that this process runs on; nil for none.
    static func system(of kernel: any Kernel, environment: [String: String]) -> System? {
        if environment["OCCLUM"] != nil { return .occlum }
        return (try? kernel.text(typePath, limit: 64)) == "dcap" ? .gramine : nil
    }

    /// `{"quote":"<base64>"}`.
    func collect(_ reportData: [UInt8]) throws(GuestError) -> JSONValue {
        let field = try ReportDataField.padded(reportData)
        let quote =
            switch system {
            case .gramine: try turn.take { () throws(GuestError) in try gramineQuote(field) }
            case .occlum: try occlumQuote(field)
            }
        guard !quote.isEmpty else { throw GuestError(.system, "The enclave's system made an empty quote.") }
        return ["quote": .string(Base64.encode(quote))]
    }

    private func gramineQuote(_ field: [UInt8]) throws(GuestError) -> [UInt8] {
        try kernel.write(field, to: "/dev/attestation/user_report_data")
        return try kernel.read("/dev/attestation/quote", limit: Self.limit)
    }

    private func occlumQuote(_ field: [UInt8]) throws(GuestError) -> [UInt8] {
        let device = try kernel.open(Self.device, .readOnly)
        let sized = try device.control(DeviceRequest(number: Self.quoteSize, argument: .zeros(4)))
        guard sized.succeeded else { throw .system("tell the size of a quote of", Self.device, sized.systemError) }
        let size = Int(sized.argument.littleEndian(0..<4))
        guard (1...Self.limit).contains(size) else {
            throw GuestError(.system, "\(Self.device) wants to make a quote of \(size) bytes.")
        }
        var length: [UInt8] = []
        length.appendLittleEndian(UInt32(size))
        let answer = try device.control(
            DeviceRequest(
                number: Self.generateQuote, argument: .zeros(24), buffers: [field, length, .zeros(size)],
                pointers: [
                    .init(in: .argument, at: 0, to: 0), .init(in: .argument, at: 8, to: 1),
                    .init(in: .argument, at: 16, to: 2),
                ]))
        guard answer.succeeded else { throw .system("make a quote with", Self.device, answer.systemError) }
        return Array(answer.buffers[2].prefix(Int(answer.buffers[1].littleEndian(0..<4))))
    }
}

/// Lets one thread after the other do what cannot be done by two at once.
private final class Turn: Sendable {
    private let lock = Mutex(())

    func take<Value: Sendable>(_ work: () throws(GuestError) -> Value) throws(GuestError) -> Value {
        try lock.withLock { (_: inout sending Void) throws(GuestError) in try work() }
    }
}
