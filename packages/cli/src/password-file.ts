import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { InputFileError } from './errors.ts'

/** Longer ones are something else, given by mistake. */
const PASSWORD_OCTETS_MAX = 256
const LINE_END = /\r?\n$/

/**
 * The password in a file, or on standard input for `-`. Never an argument: those can be read by everybody on the machine.
 *
 * @throws InputFileError
 */
export async function readPasswordFile(file: string): Promise<Buffer> {
  const octets = await read(file)
  const end = LINE_END.exec(octets.toString('latin1'))?.index ?? octets.length
  const password = octets.subarray(0, end)
  if (password.length === 0) throw new InputFileError(file, ['is empty'])
  if (password.length > PASSWORD_OCTETS_MAX) throw new InputFileError(file, [`has over ${PASSWORD_OCTETS_MAX} octets`])
  return password
}

async function read(file: string): Promise<Buffer> {
  try {
    return file === '-' ? await buffer(process.stdin) : await readFile(file)
  } catch (cause) {
    throw new InputFileError(file, [`cannot be read (${(cause as NodeJS.ErrnoException).code})`], { cause })
  }
}
