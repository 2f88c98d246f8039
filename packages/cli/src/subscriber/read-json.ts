import { readFile } from 'node:fs/promises'
import { text as readAll } from 'node:stream/consumers'
import type { Subscriber } from '@rollcall/proto-gen/admin'
import type { Invocation } from '../command/command.ts'
import { InputFileError, UsageError } from '../errors.ts'
import { readSubscriber } from './profile-json.ts'

/** The subscriber in the file that `--file` names. @throws UsageError, InputFileError */
export async function subscriberOption({ options }: Invocation): Promise<Subscriber> {
  const file = options.text('file')
  if (file === undefined) throw new UsageError('--file is missing')
  const { subscriber, problems } = readSubscriber(await readJsonFile(file))
  if (problems.length > 0) throw new InputFileError(file, problems)
  return subscriber
}

/** JSON of a file, or of standard input for `-`. @throws InputFileError */
export async function readJsonFile(file: string): Promise<unknown> {
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
