import { writeFile } from 'node:fs/promises'
import type { Impu } from '@rollcall/core'
import { selectorPath, XCAP_ATTRIBUTE, XCAP_ELEMENT, type XcapConditions, XcapSelectorError } from '@rollcall/ue'
import type { Invocation } from '../command/command.ts'
import { UsageError } from '../errors.ts'
import { readInput } from './input.ts'
import { withUt } from './session.ts'

/** Media types of the documents of the AUIDs that we know. */
const DOCUMENT_TYPES: Readonly<Record<string, string>> = {
  'pres-rules': 'application/auth-policy+xml',
  'org.openmobilealliance.pres-rules': 'application/auth-policy+xml',
  'pidf-manipulation': 'application/pidf+xml',
  'resource-lists': 'application/resource-lists+xml',
  'rls-services': 'application/rls-services+xml',
}

/** `rollcall ue xcap get SELECTOR [FILE]` */
export async function xcapGet(invocation: Invocation): Promise<void> {
  const { options, output } = invocation
  const [selector = '', file] = options.positionals
  await withUt(invocation, async (ut) => {
    const path = readSelector(selector, ut.identity)
    const { body, contentType, etag } = await ut.xcap.get(path, conditionsOf(invocation))
    if (file !== undefined) await writeFile(file, body)
    const text = file === undefined ? body.toString('utf8').trimEnd() : `${body.length} octets to ${file}`
    output.tell(text, {
      event: 'xcap-got',
      selector: path,
      contentType,
      etag,
      ...(file === undefined ? { body: body.toString('utf8') } : { file }),
    })
  })
}

/** `rollcall ue xcap put SELECTOR [FILE]` */
export async function xcapPut(invocation: Invocation): Promise<void> {
  const { options, output } = invocation
  const [selector = '', file = '-'] = options.positionals
  const contentType = options.text('type') ?? typeOf(selector)
  const body = await readInput(file)
  await withUt(invocation, async (ut) => {
    const path = readSelector(selector, ut.identity)
    const { isNew, etag } = await ut.xcap.put(path, { body, contentType, ...conditionsOf(invocation) })
    output.tell(`${isNew ? 'made' : 'replaced'}${etag === undefined ? '' : `, now ${etag}`}`, {
      event: 'xcap-put',
      selector: path,
      isNew,
      etag,
    })
  })
}

/** `rollcall ue xcap delete SELECTOR` */
export async function xcapDelete(invocation: Invocation): Promise<void> {
  const { options, output } = invocation
  const [selector = ''] = options.positionals
  await withUt(invocation, async (ut) => {
    const path = readSelector(selector, ut.identity)
    const { etag } = await ut.xcap.delete(path, conditionsOf(invocation))
    output.tell(`deleted${etag === undefined ? '' : `, now ${etag}`}`, { event: 'xcap-deleted', selector: path, etag })
  })
}

/** @throws UsageError */
export function readSelector(text: string, xui: Impu): string {
  try {
    return selectorPath(text, xui)
  } catch (error) {
    if (error instanceof XcapSelectorError) throw new UsageError(error.message)
    throw error
  }
}

function conditionsOf({ options }: Invocation): XcapConditions {
  return { ifMatch: options.text('if-match'), ifNoneMatch: options.text('if-none-match') }
}

/** @see RFC 4825 section 15.2 */
function typeOf(selector: string): string {
  const [document = '', node] = selector.split('/~~/')
  if (node !== undefined) return /(?:^|\/)@[^/\]"]+(?:\?|$)/.test(node) ? XCAP_ATTRIBUTE : XCAP_ELEMENT
  const [auid = ''] = document.replace(/^\//, '').split('/')
  const type = DOCUMENT_TYPES[auid]
  if (type === undefined) throw new UsageError(`say by --type what documents of ${auid} are`)
  return type
}
