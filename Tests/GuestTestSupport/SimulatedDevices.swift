import Glibc
import Guest
import Synchronization

/// A device that answers requests as a closure says, and remembers them.
public final class SimulatedDevice: Device {
    private let answer: @Sendable (DeviceRequest) throws(GuestError) -> DeviceAnswer
    private let state = Mutex<[DeviceRequest]>([])

    /// A device with this answer to everything.
    public init(_ answer: @escaping @Sendable (DeviceRequest) throws(GuestError) -> DeviceAnswer) {
        self.answer = answer
    }

    /// The requests so far.
    public var requests: [DeviceRequest] { state.withLock { $0 } }

    /// Answers as a driver would.
    public func control(_ request: DeviceRequest) throws(GuestError) -> DeviceAnswer {
        state.withLock { $0.append(request) }
        return try answer(request)
    }

    /// Refuses: no simulated device here takes commands.
    public func exchange(_ command: [UInt8], limit: Int) throws(GuestError) -> [UInt8] {
        throw SimulatedKernel.refusal(EINVAL, "device")
    }
}

extension DeviceRequest {
    /// The answer of a driver that does not know this request.
    public var unknown: DeviceAnswer { refused(ENOTTY) }

    /// The answer of a driver that refuses and changes nothing.
    public func refused(_ number: Int32) -> DeviceAnswer {
        DeviceAnswer(result: -1, systemError: number, argument: argument, buffers: buffers)
    }

    /// The index of the buffer whose address goes to a place; nil for none.
    public func buffer(at offset: Int, of place: Place = .argument) -> Int? {
        pointers.first { $0.place == place && $0.offset == offset }?.buffer
    }
}

/// `/dev/sev-guest` and its host (sev-guest driver of Linux, GHCB extended guest request).
public final class SimulatedSEVGuest: Sendable {
    /// How the host behaves.
    public struct Host: Sendable {
        /// The table of certificates; empty for none.
        public var table: [UInt8]
        /// How often requests are throttled before one passes.
        public var throttled = 0
        /// The status in the firmware's message.
        public var status: UInt32 = 0
        /// What exitinfo2 says instead of an answer.
        public var exit: UInt64 = 0
        /// By how many pages the table grows each time that the guest has asked.
        public var growth = 0

        /// A host with this table.
        public init(table: [UInt8] = []) { self.table = table }
    }

    private let host: Mutex<Host>
    private let report: @Sendable ([UInt8]) -> [UInt8]

    /// A guest whose firmware makes reports over 64 bytes.
    public init(_ host: Host = Host(), report: @escaping @Sendable ([UInt8]) -> [UInt8]) {
        self.host = Mutex(host)
        self.report = report
    }

    /// The driver's answer.
    public func answer(_ request: DeviceRequest) -> DeviceAnswer {
        guard request.number == 0xC020_5302, request.argument.count == 32, request.argument[0] == 1,
            request.argument[1...].allSatisfy({ $0 == 0 }), let input = request.buffer(at: 8),
            let output = request.buffer(at: 16), request.buffers[input].count == 112,
            request.buffers[output].count == 4000
        else { return request.refused(EINVAL) }
        let asked = request.buffers[input]
        let room = number(asked[104..<108])
        // VMPL and reserved bytes.
        guard asked[64..<96].allSatisfy({ $0 == 0 }), room % 4096 == 0 else { return request.refused(EINVAL) }
        let place = request.buffer(at: 96, of: .buffer(input))
        guard room == 0 || place.map({ request.buffers[$0].count == room }) == true else {
            return request.refused(EFAULT)
        }
        return host.withLock { host in
            if host.exit != 0 { return ended(request, with: host.exit, EIO) }
            if host.throttled > 0 {
                host.throttled -= 1
                return ended(request, with: 2 << 32, EAGAIN)
            }
            let wanted = (host.table.count + 4095) / 4096 * 4096
            if wanted > room {
                host.table += [UInt8](repeating: 0, count: 4096 * host.growth)
                var buffers = request.buffers
                buffers[input].replaceSubrange(104..<108, with: bytes(UInt32(wanted)))
                return ended(
                    DeviceRequest(number: 0, argument: request.argument, buffers: buffers), with: 1 << 32, EIO)
            }
            var buffers = request.buffers
            let made = report(Array(asked[..<64]))
            let message = bytes(host.status) + bytes(UInt32(made.count)) + [UInt8](repeating: 0, count: 24) + made
            buffers[output].replaceSubrange(..<message.count, with: message)
            if let place { buffers[place].replaceSubrange(..<host.table.count, with: host.table) }
            return DeviceAnswer(argument: request.argument, buffers: buffers)
        }
    }

    private func ended(_ request: DeviceRequest, with exit: UInt64, _ error: Int32) -> DeviceAnswer {
        var argument = request.argument
        argument.replaceSubrange(24..<32, with: bytes(exit))
        return DeviceAnswer(result: -1, systemError: error, argument: argument, buffers: request.buffers)
    }

    private func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }

    private func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reversed().reduce(0) { $0 << 8 | Int($1) } }
}
