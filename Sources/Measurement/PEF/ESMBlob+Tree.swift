import Encodings

/// A blob as a flattened device tree: `lockboxes`, `digest` and `file` below a root that is compatible with `ibm,esm`.
extension ESMBlob {
    private static let algorithm = "AES256-GCM"
    private static let firstLockbox = "origin-lockbox"

    /// Reads a blob, all of the bytes. Throws `malformed_image` and `too_large`.
    public init(parsing bytes: [UInt8]) throws(MeasurementError) {
        let root = try FlattenedDeviceTree(parsing: bytes).root
        guard root.properties.count == 1, root.text("compatible") == Self.compatible,
            root.children.count == 3, let boxes = root[child: "lockboxes"], let digest = root[child: "digest"],
            let file = root[child: "file"]
        else { throw Self.malformed("it is not compatible with \(Self.compatible), or has other parts.") }
        guard let digests = digest[child: Self.digestsName], digest.children.count == 1, digest.properties.isEmpty
        else {
            throw Self.malformed("it has no digests, so that a guest could start with anything.")
        }
        self.init(
            lockboxes: try Self.lockboxes(boxes), digests: try Self.sealed(digests), files: try Self.files(file))
    }

    private static func lockboxes(_ node: FlattenedDeviceTree.Node) throws(MeasurementError) -> [Lockbox] {
        guard node.properties.isEmpty, (1...maximumLockboxes).contains(node.children.count),
            node.children.first?.name == firstLockbox
        else { throw malformed("its first lockbox is not \(firstLockbox), or there are too many.") }
        var boxes: [Lockbox] = []
        for (index, child) in node.children.enumerated() {
            guard index == 0 || child.name == "lockbox-\(index)", child.properties.count == 2,
                child.children.count == 1,
                let comment = child.text("untrusted-comment"), !comment.contains("\n"),
                let key = child[property: "encrypted-symkey"], (256...1024).contains(key.count),
                let fingerprint = child[child: "pubkey-fingerprint"], fingerprint.text("algorithm") == "SHA256",
                let hash = fingerprint[property: "hash"], hash.count == 32, fingerprint.properties.count == 2,
                fingerprint.children.isEmpty, !boxes.contains(where: { $0.fingerprint == hash })
            else { throw malformed("the lockbox \(child.name) is none, or another's twin.") }
            boxes.append(Lockbox(fingerprint: hash, comment: comment, encryptedKey: key))
        }
        return boxes
    }

    private static func files(
        _ node: FlattenedDeviceTree.Node
    ) throws(MeasurementError) -> [(name: String, content: Sealed)] {
        guard node.children.isEmpty, node.properties.count <= 1 else {
            throw malformed("its files are not in one tree.")
        }
        guard let property = node.properties.first else { return [] }
        guard property.name == "files-fdt" else { throw malformed("its files are not in one tree.") }
        let root = try FlattenedDeviceTree(parsing: property.value).root
        guard root.properties.count == 1, root.text("compatible") == compatibleFiles, root.children.count == 1,
            let list = root[child: "files"], list.properties.isEmpty, list.children.count <= maximumFiles
        else { throw malformed("its files are not compatible with \(compatibleFiles).") }
        var files: [(name: String, content: Sealed)] = []
        for child in list.children { files.append((child.name, try sealed(child))) }
        return files
    }

    private static func sealed(_ node: FlattenedDeviceTree.Node) throws(MeasurementError) -> Sealed {
        guard node.children.isEmpty, node.properties.count == 5, node.text("algorithm") == algorithm,
            let comment = node.text("untrusted-comment"), !comment.contains("\n"),
            let ciphertext = node[property: "ciphertext"], let nonce = node[property: "iv"],
            (12...16).contains(nonce.count), let tag = node[property: "mac"], tag.count == 16
        else { throw malformed("\(node.name) is not encrypted with \(algorithm).") }
        return Sealed(comment: comment, ciphertext: ciphertext, nonce: nonce, tag: tag)
    }

    /// The blob as bytes.
    public func serialized() -> [UInt8] {
        var boxes = FlattenedDeviceTree.Node("lockboxes")
        for (index, lockbox) in lockboxes.enumerated() {
            var node = FlattenedDeviceTree.Node(index == 0 ? Self.firstLockbox : "lockbox-\(index)")
            node.properties = [
                ("untrusted-comment", Self.text(lockbox.comment)), ("encrypted-symkey", lockbox.encryptedKey),
            ]
            var fingerprint = FlattenedDeviceTree.Node("pubkey-fingerprint")
            fingerprint.properties = [("algorithm", Self.text("SHA256")), ("hash", lockbox.fingerprint)]
            node.children = [fingerprint]
            boxes.children.append(node)
        }
        var digest = FlattenedDeviceTree.Node("digest")
        digest.children = [Self.node(Self.digestsName, digests)]
        var root = FlattenedDeviceTree.Node("")
        root.properties = [("compatible", Self.text(Self.compatible))]
        root.children = [fileNode(), digest, boxes]
        return FlattenedDeviceTree(root).serialized()
    }

    private func fileNode() -> FlattenedDeviceTree.Node {
        var node = FlattenedDeviceTree.Node("file")
        guard !files.isEmpty else { return node }
        var list = FlattenedDeviceTree.Node("files")
        list.children = files.map { Self.node($0.name, $0.content) }
        var root = FlattenedDeviceTree.Node("")
        root.properties = [("compatible", Self.text(Self.compatibleFiles))]
        root.children = [list]
        node.properties = [("files-fdt", FlattenedDeviceTree(root).serialized())]
        return node
    }

    private static func node(_ name: String, _ sealed: Sealed) -> FlattenedDeviceTree.Node {
        var node = FlattenedDeviceTree.Node(name)
        node.properties = [
            ("algorithm", text(algorithm)), ("untrusted-comment", text(sealed.comment)),
            ("ciphertext", sealed.ciphertext), ("iv", sealed.nonce), ("mac", sealed.tag),
        ]
        return node
    }

    private static func text(_ value: String) -> [UInt8] { Array(value.utf8) + [0] }
}
