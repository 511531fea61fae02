/// Why something could not be simulated.
package struct SimulationError: Error, CustomStringConvertible {
    /// What could not be done.
    package let description: String

    init(_ description: String) { self.description = description }
}
