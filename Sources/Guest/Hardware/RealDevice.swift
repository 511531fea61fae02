import CLinux
import Glibc

/// A device of the kernel that this process runs on.
struct RealDevice: Device {
    let file: KernelFile

    func control(_ request: DeviceRequest) throws(GuestError) -> DeviceAnswer {
        guard request.isSound else {
            throw GuestError(
                .system, "The request to \(file.path) points outside of its own memory.", systemError: EFAULT)
        }
        // The first is the argument. Drivers of devices that firmware writes to want whole pages, so each has its own.
        let memories = ([request.argument] + request.buffers).map(PinnedMemory.init)
        for pointer in request.pointers {
            memories[Self.index(pointer.place)].place(address: memories[pointer.buffer + 1].address, at: pointer.offset)
        }
        var result: Int32
        repeat {
            result = claviger_device_control(file.descriptor, request.number, memories[0].address)
        } while result < 0 && errno == EINTR
        let systemError = result < 0 ? errno : 0
        for pointer in request.pointers {
            let index = Self.index(pointer.place)
            let original = index == 0 ? request.argument : request.buffers[index - 1]
            memories[index].place(original[pointer.offset..<pointer.offset + 8], at: pointer.offset)
        }
        let contents = memories.map(\.bytes)
        return DeviceAnswer(
            result: result, systemError: systemError, argument: contents[0], buffers: Array(contents.dropFirst()))
    }

    func exchange(_ command: [UInt8], limit: Int) throws(GuestError) -> [UInt8] {
        try file.write(command)
        var answer = [UInt8](repeating: 0, count: limit)
        answer.removeSubrange(try file.read(into: &answer)...)
        return answer
    }

    private static func index(_ place: DeviceRequest.Place) -> Int {
        switch place {
        case .argument: 0
        case .buffer(let index): index + 1
        }
    }
}

/// Memory that stays where it is, so that its address can be given away; wiped at the end.
private final class PinnedMemory {
    private let memory: UnsafeMutableRawBufferPointer
    private let count: Int

    init(_ bytes: [UInt8]) {
        count = bytes.count
        memory = .allocate(byteCount: max(count, 1), alignment: 4096)
        memory.copyBytes(from: bytes)
    }

    deinit {
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        memory.deallocate()
    }

    var address: UnsafeMutableRawPointer? { memory.baseAddress }
    var bytes: [UInt8] { Array(memory.prefix(count)) }

    func place(address: UnsafeMutableRawPointer?, at offset: Int) {
        memory.storeBytes(of: UInt64(UInt(bitPattern: address)), toByteOffset: offset, as: UInt64.self)
    }

    func place(_ bytes: ArraySlice<UInt8>, at offset: Int) {
        UnsafeMutableRawBufferPointer(rebasing: memory[offset..<offset + bytes.count]).copyBytes(from: bytes)
    }
}
