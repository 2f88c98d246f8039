import type { Handling } from './handling.ts'
import { COMMON_POLICY, PRES_RULES } from './rules-view.ts'

const NAMESPACES = `xmlns="${COMMON_POLICY}" xmlns:pr="${PRES_RULES}"`

/** Ids of the rules that are made here begin so. */
export const OWN_RULE = 'rollcall-'

/** Everything of the presentity's document (RFC 5025 section 3.3). */
const SHOW_EVERYTHING =
  '<transformations>' +
  '<pr:provide-devices><pr:all-devices/></pr:provide-devices>' +
  '<pr:provide-persons><pr:all-persons/></pr:provide-persons>' +
  '<pr:provide-services><pr:all-services/></pr:provide-services>' +
  '<pr:provide-all-attributes/>' +
  '</transformations>'

/** A rule for one identity, as the body of a PUT into a document. */
export function ruleFor(id: string, identity: string, handling: Handling): Buffer {
  return Buffer.from(rule(id, handling, `<one id="${attributeText(identity)}"/>`, ` ${NAMESPACES}`))
}

export function oneFor(identity: string): Buffer {
  return Buffer.from(`<one xmlns="${COMMON_POLICY}" id="${attributeText(identity)}"/>`)
}

export function exceptFor(identity: string): Buffer {
  return Buffer.from(`<except xmlns="${COMMON_POLICY}" id="${attributeText(identity)}"/>`)
}

/**
 * The first rules document of a user: `identity` as asked for, and everybody else waits for the user's word. `Choice:` without
 * the latter rule a first `allow` would silently shut out everybody who is not named (RFC 4745 section 10: nothing matches, nothing
 * is granted).
 */
export function firstDocument(identity: string, handling: Handling): Buffer {
  const named =
    handling === 'confirm' ? '' : rule(`${OWN_RULE}${handling}`, handling, `<one id="${attributeText(identity)}"/>`)
  const except = handling === 'block' ? `<many><except id="${attributeText(identity)}"/></many>` : '<many/>'
  const others = rule(`${OWN_RULE}others`, 'confirm', except)
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<ruleset ${NAMESPACES}>${named}${others}</ruleset>\n`)
}

function rule(id: string, handling: Handling, who: string, namespaces = ''): string {
  const shows = handling === 'allow' ? SHOW_EVERYTHING : ''
  return (
    `<rule${namespaces} id="${id}"><conditions><identity>${who}</identity></conditions>` +
    `<actions><pr:sub-handling>${handling}</pr:sub-handling></actions>${shows}</rule>`
  )
}

function attributeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
