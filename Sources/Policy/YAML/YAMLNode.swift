/// A place in a source text, both counted from 1; columns count Unicode scalars.
struct SourcePosition: Sendable, Hashable {
    var line: Int
    var column: Int
}

/// A YAML value that remembers where it stood.
struct YAMLNode: Sendable {
    enum Content: Sendable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        case mapping([YAMLEntry])
    }

    let position: SourcePosition
    let content: Content

    var kindName: String {
        switch content {
        case .scalar(let scalar): scalar.kindName
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }

    var isNull: Bool {
        if case .scalar(let scalar) = content, case .null = scalar.meaning { return true }
        return false
    }
}

/// One `key: value` of a mapping.
struct YAMLEntry: Sendable {
    let key: String
    let keyPosition: SourcePosition
    let value: YAMLNode
}
