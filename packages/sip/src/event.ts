import { skipBlanks, tokenEnd } from './chars.ts'
import { SipSyntaxError } from './errors.ts'
import { formatParams, type NewParams, type Params, paramValue, parseParams } from './params.ts'

/** The Event header: which event package, and which of several subscriptions to it in one dialog. */
export interface Event {
  /** With its templates: `presence.winfo`. Its letters count: event types are compared as they are. */
  readonly package: string
  /** The `id` parameter. */
  readonly id: string | undefined
  /** All parameters, `id` among them. */
  readonly params: Params
}

/**
 * Reads Event.
 *
 * @throws SipSyntaxError
 * @see RFC 6665 section 8.4
 */
export function parseEvent(text: string): Event {
  const end = tokenEnd(text, skipBlanks(text, 0))
  const eventPackage = text.slice(0, end)
  if (eventPackage === '') throw new SipSyntaxError('Event', 'names no event package')
  const params = parseParams(text, end, 'Event')
  const id = params.get('id')
  if (id === true) throw new SipSyntaxError('Event', 'has no value for id')
  return { package: eventPackage, id, params }
}

/** The inverse; `id` is written from `id`, not from the parameters. */
export function formatEvent(event: {
  readonly package: string
  readonly id?: string | undefined
  readonly params?: Params | undefined
}): string {
  const params: NewParams = new Map(event.params ?? [])
  if (event.id === undefined) params.delete('id')
  else params.set('id', event.id)
  return event.package + formatParams(params)
}

/**
 * Whether two Event headers name the same subscription of a dialog: package and `id`, the latter absent in both or the
 * same.
 *
 * @see RFC 6665 section 8.2.1
 */
export function sameEvent(a: Event, b: Event): boolean {
  return a.package === b.package && paramValue(a.params, 'id') === paramValue(b.params, 'id')
}
