import assert from 'node:assert/strict'
import { checkRequest } from '../check-request.ts'
import { createUasDialog } from '../dialog.ts'
import { SecurityAgreementError, SipParseError, SipSyntaxError } from '../errors.ts'
import { createResponse, type SipMessage } from '../message.ts'
import {
  contact,
  cseq,
  entityTag,
  event,
  expires,
  from,
  maxForwards,
  minExpires,
  optionTags,
  to,
  topVia,
} from '../message-fields.ts'
import { parseMessage } from '../parse-message.ts'
import { serializeMessage } from '../serialize-message.ts'
import { CODECS, type Codec } from './codecs.ts'
import { answerStatelessly } from './stateless-uas.ts'

/** What it returns, or undefined when it refuses with a typed error; any other error fails the test. */
export function accepted<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    const isTyped = error instanceof SipSyntaxError || error instanceof SecurityAgreementError
    assert.ok(isTyped, String((error as Error).stack))
    return undefined
  }
}

/** Whether the text was read. What is read and written is read as the same again. */
export function exerciseValue(codec: Codec, text: string): boolean {
  const value = accepted(() => codec.read(text))
  if (value === undefined) return false
  const written = codec.rewrite(text)
  if (written === undefined) return true
  const again = codec.read(written)
  // A number may be spelled in several ways among the parameters, once: what we have written ourselves stays.
  assert.equal(codec.rewrite(written), written, `${codec.name}: ${JSON.stringify(text)}`)
  if (codec.name !== 'Contact') assert.deepEqual(again, value, `${codec.name}: ${JSON.stringify(text)}`)
  return true
}

/** Reads `bytes`, or what an error could read of it, by every parser there is; says which of the two. */
export function exerciseMessage(bytes: Buffer): 'read' | 'refused' {
  answerStatelessly(bytes)
  try {
    const message = parseMessage(bytes)
    readAll(message)
    // What we write, others read as we read it.
    assert.deepEqual(content(parseMessage(serializeMessage(message))), content(message))
    return 'read'
  } catch (error) {
    assert.ok(error instanceof SipParseError, String((error as Error).stack))
    if (error.request) {
      readAll(error.request)
      const answer = createResponse(error.request, error.status, { toTag: 'x' })
      assert.deepEqual(content(parseMessage(serializeMessage(answer))), content(answer))
    }
    return 'refused'
  }
}

function content(message: SipMessage): unknown {
  const { kind, headers, body } = message
  const start = kind === 'request' ? [message.method, message.uri] : [message.status, message.reason]
  return [kind, start, [...headers.entries()], body.toString('latin1')]
}

/** Reads every value of a message by every parser that might be asked to. */
function readAll(message: SipMessage): void {
  const { headers } = message
  if (message.kind === 'request') {
    const request = message
    accepted(() => checkRequest(request))
    accepted(() => createUasDialog(request, 'x'))
  }
  for (const read of [topVia, from, to, contact, cseq, event, expires, minExpires, maxForwards]) {
    accepted<unknown>(() => read(message))
  }
  for (const name of ['Require', 'Supported']) accepted(() => optionTags(message, name))
  accepted(() => entityTag(message, 'SIP-If-Match'))
  for (const [name, value] of headers.entries()) {
    accepted(() => headers.list(name))
    for (const codec of CODECS) exerciseValue(codec, value)
  }
}
