import Crypto
import Encodings

/// What an Ultravisor compares a secure guest with before it lets it run: SHA-512 of each part (OpenPOWER PEF).
public struct ESMDigests: Sendable, Hashable {
    /// The run-time services of the firmware.
    public let rtas: [UInt8]
    /// The kernel as `objcopy -O binary -S` writes it.
    public let kernel: [UInt8]
    /// The size of that kernel in bytes.
    public let kernelSize: UInt32
    /// The first file system.
    public let initrd: [UInt8]
    /// The kernel's command line.
    public let bootArguments: [UInt8]

    /// The digests of these artefacts.
    ///
    /// Throws `unsupported_image` for a kernel that is still an ELF file, whose digest no Ultravisor compares, and
    /// `invalid_input` for an empty command line: the digest of nothing would let whoever starts the guest choose one.
    public init(
        rtas: any Artifact, kernel: any Artifact, initrd: any Artifact, bootArguments: String
    ) throws(MeasurementError) {
        guard try kernel.bytes(in: 0..<min(4, kernel.size)) != [0x7F, 0x45, 0x4C, 0x46] else {
            throw MeasurementError(
                .unsupportedImage,
                "The kernel is an ELF file. Give what `objcopy -O binary -S` makes of it: that is what is loaded.")
        }
        guard let size = UInt32(exactly: kernel.size), size > 0 else {
            throw MeasurementError(.tooLarge, "The kernel is empty, or larger than 4 GiB.")
        }
        guard !bootArguments.isEmpty, !bootArguments.utf8.contains(0) else {
            throw MeasurementError(.invalidInput, "A secure guest needs a command line, and one without zeros in it.")
        }
        self.rtas = try rtas.digest(SHA512.self)
        self.kernel = try kernel.digest(SHA512.self)
        kernelSize = size
        self.initrd = try initrd.digest(SHA512.self)
        self.bootArguments = Array(SHA512.hash(data: Array(bootArguments.utf8)))
    }

    /// Reads the tree that is in a blob, after it was decrypted. Throws `malformed_image`.
    init(_ tree: FlattenedDeviceTree) throws(MeasurementError) {
        guard tree.root.text("compatible") == ESMBlob.compatible, let node = tree.root[child: "digests"],
            node.text("algorithm") == "SHA512", let size = node[property: "kernel-size"], size.count == 4
        else { throw ESMBlob.malformed("its digests are not where they should be.") }
        func digest(_ name: String) throws(MeasurementError) -> [UInt8] {
            guard let value = node[property: name], value.count == 64 else {
                throw ESMBlob.malformed("the digest \(name) is missing, or not of SHA-512.")
            }
            return value
        }
        rtas = try digest("rtas")
        kernel = try digest("kernel")
        kernelSize = size.reduce(0) { $0 << 8 | UInt32($1) }
        initrd = try digest("initrd")
        bootArguments = try digest("bootargs")
    }

    /// The tree that goes into a blob.
    var tree: FlattenedDeviceTree {
        var digests = FlattenedDeviceTree.Node("digests")
        digests.properties = [
            ("algorithm", Array("SHA512\0".utf8)), ("rtas", rtas), ("kernel", kernel),
            ("kernel-size", kernelSize.littleEndianBytes.reversed()), ("initrd", initrd), ("bootargs", bootArguments),
        ]
        var root = FlattenedDeviceTree.Node("")
        root.properties = [("compatible", Array("\(ESMBlob.compatible)\0".utf8))]
        root.children = [digests]
        return FlattenedDeviceTree(root)
    }

    /// The digests as claims have them: hexadecimal digits, and the size.
    public var json: JSONObject {
        [
            "rtas": .string(Hex.encode(rtas)), "kernel": .string(Hex.encode(kernel)),
            "initrd": .string(Hex.encode(initrd)), "bootargs": .string(Hex.encode(bootArguments)),
            "kernel_size": .int(Int64(kernelSize)),
        ]
    }
}
