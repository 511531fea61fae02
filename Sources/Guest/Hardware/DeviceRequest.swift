/// A request to a driver: a number, an argument, and memory that the argument points to.
public struct DeviceRequest: Sendable, Hashable {
    /// Memory in which an address is written before the request is made.
    public enum Place: Sendable, Hashable {
        /// The argument.
        case argument
        /// The buffer with this index.
        case buffer(Int)
    }

    /// The address of a buffer, 8 bytes in the order of this machine, and where it goes.
    public struct Pointer: Sendable, Hashable {
        /// The memory that holds the address.
        public let place: Place
        /// Where in that memory, in bytes.
        public let offset: Int
        /// The index of the buffer that is pointed to.
        public let buffer: Int

        /// A pointer from its parts.
        public init(in place: Place, at offset: Int, to buffer: Int) {
            self.place = place
            self.offset = offset
            self.buffer = buffer
        }
    }

    /// The number of the request, with direction and size as drivers declare it.
    public let number: UInt
    /// The argument's bytes. Where pointers go, they are zero.
    public let argument: [UInt8]
    /// Memory that is pointed to.
    public let buffers: [[UInt8]]
    /// Where the addresses of the buffers go.
    public let pointers: [Pointer]

    /// A request from its parts.
    public init(number: UInt, argument: [UInt8], buffers: [[UInt8]] = [], pointers: [Pointer] = []) {
        self.number = number
        self.argument = argument
        self.buffers = buffers
        self.pointers = pointers
    }

    /// Whether all pointers lie within what they are written to and lead to buffers that exist.
    var isSound: Bool {
        pointers.allSatisfy { pointer in
            guard buffers.indices.contains(pointer.buffer), pointer.offset >= 0 else { return false }
            switch pointer.place {
            case .argument: return pointer.offset + 8 <= argument.count
            case .buffer(let index):
                return buffers.indices.contains(index) && pointer.offset + 8 <= buffers[index].count
            }
        }
    }
}

/// What a driver answered.
public struct DeviceAnswer: Sendable, Hashable {
    /// What the driver returned; -1 when it refused.
    public let result: Int32
    /// Why it refused (`errno`); zero when it did not.
    public let systemError: Int32
    /// The argument afterwards. Where pointers were, it is as in the request.
    public let argument: [UInt8]
    /// The buffers afterwards, each as long as in the request. Where pointers were, they are as in the request.
    public let buffers: [[UInt8]]

    /// An answer from its parts.
    public init(result: Int32 = 0, systemError: Int32 = 0, argument: [UInt8], buffers: [[UInt8]] = []) {
        self.result = result
        self.systemError = systemError
        self.argument = argument
        self.buffers = buffers
    }

    /// Whether the driver did what it was asked for.
    public var succeeded: Bool { result >= 0 }
}
