import { decodeReferences, type XmlFragment } from '@rollcall/xml'
import { OMA_PIDF, RPID } from './namespaces.ts'
import { choiceKey, type Selection } from './permissions.ts'
import { schemeKey, serviceUriKey } from './uri-key.ts'

/** What a tuple, person or device can be chosen by. */
interface Chosen {
  readonly id: string
  readonly extensions: readonly XmlFragment[]
  readonly contact: XmlFragment | undefined
  readonly deviceId: string | undefined
}

/**
 * Everything by which a rule may choose it (RFC 5025 section 3.3.1). `Choice:` an occurrence-id means the id in the
 * publication, too, which composition puts behind one of its own.
 */
export function choicesOf(bytes: Buffer, { id, extensions, contact, deviceId }: Chosen): readonly string[] {
  const choices = [choiceKey('occurrence-id', id)]
  const published = /^t-[^-]*-([^-]*)$/.exec(id)?.[1]
  if (published !== undefined) choices.push(choiceKey('occurrence-id', published))
  if (deviceId !== undefined) choices.push(choiceKey('deviceID', deviceId))
  const uri = contact ? textOf(bytes, contact) : undefined
  if (uri) choices.push(choiceKey('service-uri', serviceUriKey(uri)), choiceKey('service-uri-scheme', schemeKey(uri)))
  for (const fragment of extensions) {
    const { namespace, localName } = fragment
    if (namespace === RPID && localName === 'class') {
      const text = textOf(bytes, fragment)
      if (text) choices.push(choiceKey('class', text))
    }
    if (namespace === OMA_PIDF && localName === 'service-description') {
      const serviceId = serviceIdOf(bytes, fragment)
      if (serviceId) choices.push(choiceKey('service-id', serviceId))
    }
  }
  return choices
}

/** Whether one of its choices is selected. */
export function isChosen(choices: readonly string[], selection: Selection): boolean {
  // guard: policy-chosen — nothing is chosen unless a rule says by what
  return selection === 'all' || choices.some((choice) => selection.has(choice))
}

/** Text of an element that holds nothing else; absent when it does. */
function textOf(bytes: Buffer, { nameEnd, end }: XmlFragment): string | undefined {
  const match = /^[^<>]*>([^<]*)<\/[^<]*$/.exec(bytes.toString('utf8', nameEnd, end))
  return match?.[1] === undefined ? undefined : decodeReferences(match[1]).trim()
}

/** `Choice:` read where it stands first, as OMA's schema has it, without comments before it. */
function serviceIdOf(bytes: Buffer, { nameEnd, end }: XmlFragment): string | undefined {
  const text = bytes.toString('utf8', nameEnd, end)
  const match = /^[^<>]*>\s*<(?:[\w.-]+:)?service-id(?:\s[^<>]*)?>([^<]*)<\//.exec(text)
  return match?.[1] === undefined ? undefined : decodeReferences(match[1]).trim()
}
