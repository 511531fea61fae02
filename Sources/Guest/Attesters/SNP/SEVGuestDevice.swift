import Glibc

/// Reports through `/dev/sev-guest` (Documentation/virt/coco/sev-guest.rst), the way of kernels before configfs-tsm.
struct SEVGuestDevice: Sendable {
    static let path = "/dev/sev-guest"
    /// SNP_GET_EXT_REPORT: `_IOWR('S', 2, struct snp_guest_request_ioctl)`.
    static let extendedReport: UInt = 0xC020_5302
    private static let responseSize = 4000
    private static let page = 4096
    private static let mostCertificateBytes = 65_536
    private static let attempts = 12

    let kernel: any Kernel
    let pause: @Sendable (Duration) -> Void

    static let sleep: @Sendable (Duration) -> Void = { duration in
        usleep(UInt32(duration.components.seconds * 1_000_000 + duration.components.attoseconds / 1_000_000_000_000))
    }

    /// The report and the host's table of certificates, which may be empty.
    ///
    /// - Throws: `system_failed` when the device, the host or the firmware refuses, or the host lets too much time pass.
    func report(over field: [UInt8]) throws(GuestError) -> (report: [UInt8], table: [UInt8]) {
        let device = try kernel.open(Self.path, .readOnly)
        var room = 0
        var wait = Duration.milliseconds(100)
        for _ in 0..<Self.attempts {
            let answer = try device.control(Self.request(over: field, room: room))
            let exit = answer.argument.littleEndian(24..<32)
            switch (answer.succeeded, exit >> 32) {
            case (true, 0) where exit == 0:
                return (try Self.report(in: answer.buffers[1]), room > 0 ? answer.buffers[2] : [])
            case (_, 1):
                room = try Self.room(wanted: answer.buffers[0].littleEndian(104..<108), had: room)
            case (_, 2):
                // The host throttles requests of guests.
                pause(wait)
                wait = min(wait * 2, .seconds(2))
            case (false, 0) where [EAGAIN, EBUSY].contains(answer.systemError):
                pause(wait)
                wait = min(wait * 2, .seconds(2))
            default:
                throw Self.refusal(answer, exit)
            }
        }
        throw GuestError(
            .system, "The host kept \(Self.path) busy for \(Self.attempts) requests in a row; try again later.",
            systemError: EBUSY)
    }

    /// A request with room for so many bytes of certificates.
    static func request(over field: [UInt8], room: Int) -> DeviceRequest {
        var argument: [UInt8] = [1]
        argument += .zeros(31)
        // struct snp_ext_report_req: report data, VMPL 0, 28 reserved bytes, address and size for certificates, padding.
        var request = field + [UInt8].zeros(32)
        request.appendLittleEndian(room > 0 ? UInt64(0) : UInt64.max)
        request.appendLittleEndian(UInt32(room))
        request += .zeros(4)
        var buffers = [request, .zeros(responseSize)]
        var pointers = [
            DeviceRequest.Pointer(in: .argument, at: 8, to: 0), DeviceRequest.Pointer(in: .argument, at: 16, to: 1),
        ]
        if room > 0 {
            buffers.append(.zeros(room))
            pointers.append(.init(in: .buffer(0), at: 96, to: 2))
        }
        return DeviceRequest(number: extendedReport, argument: argument, buffers: buffers, pointers: pointers)
    }

    private static func room(wanted: UInt64, had room: Int) throws(GuestError) -> Int {
        guard wanted > UInt64(room), wanted <= UInt64(mostCertificateBytes), wanted % UInt64(page) == 0 else {
            throw GuestError(
                .system,
                "The host asks for \(wanted) bytes for its certificates after it was given \(room); whole pages up to "
                    + "\(mostCertificateBytes) bytes make sense. The host's certificate table has to be repaired.")
        }
        return Int(wanted)
    }

    /// The report in the firmware's message (SEV-SNP firmware ABI, MSG_REPORT_RSP).
    private static func report(in response: [UInt8]) throws(GuestError) -> [UInt8] {
        let status = response.littleEndian(0..<4)
        let size = Int(response.littleEndian(4..<8))
        guard status == 0 else {
            let meaning =
                switch status {
                case 0x16: " (invalid parameters)"
                case 0x27: " (the key that was selected does not exist)"
                default: ""
                }
            throw GuestError(.system, "The firmware refuses a report with status \(status)\(meaning).")
        }
        guard size <= responseSize - 32 else {
            throw GuestError(.system, "The firmware announces a report of \(size) bytes, which is more than it sent.")
        }
        return Array(response[32..<32 + size])
    }

    private static func refusal(_ answer: DeviceAnswer, _ exit: UInt64) -> GuestError {
        let host = exit >> 32
        let firmware = exit & 0xFFFF_FFFF
        var reasons: [String] = []
        if answer.systemError != 0 { reasons.append(String(cString: strerror(answer.systemError))) }
        if firmware != 0 { reasons.append("firmware error \(firmware)") }
        if host != 0 { reasons.append("host error \(host)") }
        return GuestError(
            .system, "\(path) refuses a report: \(reasons.joined(separator: ", ")).", systemError: answer.systemError)
    }
}
