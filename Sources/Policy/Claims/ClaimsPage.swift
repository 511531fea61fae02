/// The catalogue as a page of documentation.
public enum ClaimsPage {
    /// The page in Markdown.
    public static func markdown() -> String {
        var lines = introduction
        lines.append("| TEE | is | claims |")
        lines.append("| --- | --- | --- |")
        for family in ClaimFamily.all {
            lines.append(
                "| [`\(family.tee.rawValue)`](#\(family.tee.rawValue)) | \(family.title) | \(family.claims.rows.count) |"
            )
        }
        lines += ["", "## Beside the claims", "", besideText, ""]
        lines += table(ExpressionVariables.listed)
        for family in ClaimFamily.all { lines += section(family) }
        return lines.joined(separator: "\n") + "\n"
    }

    private static let introduction = [
        "# Claims", "",
        """
        What verified evidence states, and so what policies can ask for. This page is printed by `claviger claims --markdown`; \
        `claviger claims TEE` shows one part of it, `claviger claims --search WORD` finds a word.
        """, "",
        """
        In a release policy the claims of a confidential VM stand under the name of its TEE: `claims.snp.measurement`, \
        `claims['az-snp-vtpm'].measurement`. In an appraisal policy they stand in `claims` itself: `claims.measurement`. \
        Names with other characters than letters, digits and `_` are written in brackets. `[]` in a path stands for any \
        element of a list or map.
        """, "",
        """
        A policy that names a claim which is not on this page, compares it with a value of another type, or uses the claims \
        of a TEE that it does not select, is refused when it is read. A claim that is *sometimes* there denies where it is \
        absent, unless the expression asks first (`has(…)`). *Additional* claims are made by this broker's own verifier \
        only; tokens of other issuers lack them.
        """, "",
    ]

    private static let besideText = """
        Variables of release policies, and what stands in their `claims` beside the TEE. Appraisal policies have `tee`, `class` \
        and `now`, and the same members as variables: `init_data`, `init_data_claims`, `platform`, `report_data`, `runtime_data_claims`.
        """

    private static func section(_ family: ClaimFamily) -> [String] {
        let head = "In release policies: `\(family.expression)`. \(family.about)"
        return ["", "## \(family.tee.rawValue)", "", "**\(family.title).** \(escaped(head))", ""]
            + table(family.claims.rows)
    }

    private static func table(_ rows: [ClaimRow]) -> [String] {
        ["| claim | type | there | meaning | example | from |", "| --- | --- | --- | --- | --- | --- |"]
            + rows.map { row in
                let claim = row.claim
                let example = claim.type.members.isEmpty ? "`\(escaped(row.shortExample))`" : ""
                return "| `\(row.path)` | \(escaped(claim.type.summary)) | \(claim.presence.rawValue) "
                    + "| \(escaped(claim.meaning)) | \(example) | \(escaped(claim.source)) |"
            }
    }

    private static func escaped(_ text: String) -> String { text.replacing("|", with: "\\|") }
}
