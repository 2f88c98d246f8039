import type { XmlElement } from '@rollcall/xml'
import { CompiledRule } from './compiled-rule.ts'
import { parseRules, readRule, readRules, ruleElements } from './read-rules.ts'

/** A rules document that was read already: its octets, and the root element whose places are in them. */
export interface ReadRules {
  readonly octets: Buffer
  readonly root: XmlElement
}

/** A rules document: as octets, as a tree, or as both. */
export type RulesDocument = Buffer | XmlElement | ReadRules

/** The rules of one document made ready, and where they stand in it, so that the next version takes over what it has too. */
export interface RulesSource {
  readonly rules: readonly CompiledRule[]
  /** Absent when only a tree was given. */
  readonly octets?: Buffer
  /** Begin and end of each rule, in octets. */
  readonly spans: readonly number[]
  /** End of the root's start tag, in octets. */
  readonly contentStart: number
}

/**
 * Reads and makes ready the rules of one document. A rule that stands in a version before under the same root tag means the
 * same here, and is not read again: those before and behind the first and last change.
 *
 * @throws RulesError
 */
export function compileSource(document: RulesDocument, before: readonly RulesSource[]): RulesSource {
  if (isTree(document)) {
    const rules = readRules(document).map((rule) => new CompiledRule(rule))
    return { rules, spans: [], contentStart: 0 }
  }
  const octets = Buffer.isBuffer(document) ? document : document.octets
  const same = before.find((source) => source.octets === octets)
  if (same) return same
  const root = Buffer.isBuffer(document) ? parseRules(document) : document.root
  const elements = ruleElements(root)
  const rules = takenOver({ octets, root }, elements, before)
  return {
    rules: elements.map((element, i) => rules[i] ?? new CompiledRule(readRule(element))),
    octets,
    spans: elements.flatMap(({ start, end }) => [start, end]),
    contentStart: root.contentStart,
  }
}

/** By the place of the element: the rule that an earlier version has made ready; absent where there is none. */
function takenOver(
  { octets, root }: ReadRules,
  elements: readonly XmlElement[],
  before: readonly RulesSource[],
): readonly (CompiledRule | undefined)[] {
  const rules: (CompiledRule | undefined)[] = new Array(elements.length)
  const head = octets.subarray(0, root.contentStart)
  const source = before.find((one) => one.octets?.subarray(0, one.contentStart).equals(head))
  if (!source?.octets) return rules
  const { octets: old, spans } = source
  const isSame = (element: XmlElement | undefined, at: number): boolean => {
    const [start, end] = [spans[2 * at], spans[2 * at + 1]]
    if (!element || start === undefined || end === undefined) return false
    return (
      end - start === element.end - element.start && old.compare(octets, element.start, element.end, start, end) === 0
    )
  }
  const shorter = Math.min(elements.length, source.rules.length)
  let first = 0
  for (; first < shorter && isSame(elements[first], first); first++) rules[first] = source.rules[first]
  for (let i = 1; i <= shorter - first; i++) {
    const [here, there] = [elements.length - i, source.rules.length - i]
    if (!isSame(elements[here], there)) break
    rules[here] = source.rules[there]
  }
  return rules
}

function isTree(document: RulesDocument): document is XmlElement {
  return 'kind' in document
}
