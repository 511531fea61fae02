import Glibc

/// The ultravisor of IBM Z, which guards Secure Execution guests (`/dev/uv`, arch/s390/include/uapi/asm/uvdevice.h).
///
/// Numbers are in the order of the machine, which on IBM Z is most significant byte first.
struct Ultravisor: Sendable {
    /// What was measured.
    struct Measurement: Sendable, Hashable {
        let measurement: [UInt8]
        let additionalData: [UInt8]
        /// The guest's identifier, 16 bytes.
        let configurationID: [UInt8]
    }

    static let path = "/dev/uv"
    static let mostBlockBytes = 0x10_0000
    static let mostAnswerBytes = 0x8000
    /// UVIO_IOCTL_ATT: `_IOWR('u', 1, struct uvio_ioctl_cb)`.
    static let attest: UInt = 0xC040_7501
    private static let executed: UInt16 = 1
    private static let attestationSize = 0x138

    let kernel: any Kernel

    /// Has the guest measured with the user data, of which there are 256 bytes at most.
    ///
    /// - Throws: `system_failed`.
    func measure(_ request: SERequest, userData: [UInt8]) throws(GuestError) -> Measurement {
        let answer = try kernel.control(Self.path, Self.request(request, userData: userData), access: .readWrite)
        let (code, reason) = (answer.argument.native(UInt16.self, at: 4), answer.argument.native(UInt16.self, at: 6))
        guard answer.succeeded, code == Self.executed else {
            let detail = answer.systemError == 0 ? "" : ": " + String(cString: strerror(answer.systemError))
            throw GuestError(
                .system,
                "The ultravisor did not measure the guest (code 0x\(String(code, radix: 16)), reason "
                    + "0x\(String(reason, radix: 16)))\(detail). The verifier's request may be for another machine.",
                systemError: answer.systemError)
        }
        return Measurement(
            measurement: answer.buffers[2], additionalData: answer.buffers.count > 3 ? answer.buffers[3] : [],
            configurationID: Array(answer.buffers[0][0x118..<0x128]))
    }

    static func request(_ request: SERequest, userData: [UInt8]) -> DeviceRequest {
        // struct uvio_ioctl_cb: flags, codes, address and size of the attestation structure.
        var argument = [UInt8].zeros(64)
        argument.place(UInt32(attestationSize), at: 16)
        // struct uvio_attest: three addresses, user data, identifier, four sizes.
        var attestation = [UInt8].zeros(attestationSize)
        attestation.replaceSubrange(0x18..<0x18 + userData.count, with: userData)
        attestation.place(UInt32(request.block.count), at: 0x128)
        attestation.place(request.measurementSize, at: 0x12C)
        attestation.place(request.additionalSize, at: 0x130)
        attestation.place(UInt16(userData.count), at: 0x134)
        var buffers = [attestation, request.block, .zeros(Int(request.measurementSize))]
        var pointers = [
            DeviceRequest.Pointer(in: .argument, at: 8, to: 0), .init(in: .buffer(0), at: 0x00, to: 1),
            .init(in: .buffer(0), at: 0x08, to: 2),
        ]
        if request.additionalSize > 0 {
            buffers.append(.zeros(Int(request.additionalSize)))
            pointers.append(.init(in: .buffer(0), at: 0x10, to: 3))
        }
        return DeviceRequest(number: attest, argument: argument, buffers: buffers, pointers: pointers)
    }
}

extension [UInt8] {
    /// Writes a number in the order of this machine.
    fileprivate mutating func place(_ number: some FixedWidthInteger, at offset: Int) {
        Swift.withUnsafeBytes(of: number) { replaceSubrange(offset..<offset + $0.count, with: $0) }
    }

    /// The number at this place in the order of this machine.
    fileprivate func native<Number: FixedWidthInteger>(_ type: Number.Type, at offset: Int) -> Number {
        withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
    }
}
