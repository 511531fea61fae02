/// Figures in columns.
enum Figure {
    /// A number with at most two digits after the point, right-aligned.
    static func text(_ value: Double, _ width: Int, digits: Int = 0) -> String {
        let scale = digits == 0 ? 1.0 : 100.0
        let rounded = (value * scale).rounded() / scale
        let text = digits == 0 ? String(Int(rounded)) : String(rounded)
        return String(repeating: " ", count: max(0, width - text.count)) + text
    }

    /// A name, left-aligned.
    static func name(_ name: String, _ width: Int) -> String {
        name + String(repeating: " ", count: max(0, width - name.count))
    }
}
