/** A rule for a test, its parts as XML with the prefixes of `ruleset`. */
export interface TestRule {
  readonly id: string
  readonly conditions?: string
  /** Text of `sub-handling`; absent: no actions. */
  readonly handling?: string
  readonly provides?: string
}

/** Writes a document; prefixes: `cr` and none common policy, `pr` pres-rules, `ocp` and `opr` OMA's. */
export function ruleset(...rules: readonly TestRule[]): Buffer {
  const namespaces =
    'xmlns="urn:ietf:params:xml:ns:common-policy" xmlns:cr="urn:ietf:params:xml:ns:common-policy" ' +
    'xmlns:pr="urn:ietf:params:xml:ns:pres-rules" xmlns:ocp="urn:oma:xml:xdm:common-policy" ' +
    'xmlns:opr="urn:oma:xml:prs:pres-rules"'
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?><ruleset ${namespaces}>${rules.map(rule).join('')}</ruleset>`,
  )
}

function rule({ id, conditions, handling, provides }: TestRule): string {
  const parts = [
    conditions === undefined ? '' : `<conditions>${conditions}</conditions>`,
    handling === undefined ? '' : `<actions><pr:sub-handling>${handling}</pr:sub-handling></actions>`,
    provides === undefined ? '' : `<transformations>${provides}</transformations>`,
  ]
  return `<rule id="${id}">${parts.join('')}</rule>`
}

/** An `identity` of `one`s. */
export function one(...ids: readonly string[]): string {
  return `<identity>${ids.map((id) => `<one id="${id}"/>`).join('')}</identity>`
}

/** Transformations that provide everything. */
export const PROVIDE_ALL =
  '<pr:provide-services><pr:all-services/></pr:provide-services><pr:provide-devices><pr:all-devices/>' +
  '</pr:provide-devices><pr:provide-persons><pr:all-persons/></pr:provide-persons><pr:provide-all-attributes/>'
