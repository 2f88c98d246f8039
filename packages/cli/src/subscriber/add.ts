import { readFile } from 'node:fs/promises'
import { text as readAll } from 'node:stream/consumers'
import { callUnary } from '@rollcall/runtime'
import type { Invocation } from '../command/command.ts'
import { InputFileError, UsageError } from '../errors.ts'
import { withSubscriberAdmin } from './admin-client.ts'
import { readSubscriber } from './profile-json.ts'

/** `rollcall subscriber add --file FILE` */
export async function addSubscriber(invocation: Invocation): Promise<void> {
  const { options, output } = invocation
  const file = options.text('file')
  if (file === undefined) throw new UsageError('--file is missing')
  const { subscriber, problems } = readSubscriber(await readJson(file))
  if (problems.length > 0) throw new InputFileError(file, problems)
  const { created } = await withSubscriberAdmin(invocation, (client) =>
    callUnary(client.addSubscriber.bind(client), { subscriber }),
  )
  const { subscriptionId } = subscriber
  output.tell(created ? `added ${subscriptionId}` : `${subscriptionId} was there already, just like this`, {
    event: 'subscriber-added',
    subscriptionId,
    created,
  })
}

async function readJson(file: string): Promise<unknown> {
  let text: string
  try {
    text = file === '-' ? await readAll(process.stdin) : await readFile(file, 'utf8')
  } catch (cause) {
    throw new InputFileError(file, [`cannot be read (${(cause as NodeJS.ErrnoException).code})`], { cause })
  }
  try {
    return JSON.parse(text)
  } catch {
    // The cause would show a piece of the text, and the text has keys in it.
    throw new InputFileError(file, ['is no JSON'])
  }
}
