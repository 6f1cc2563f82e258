/** What tblctl.yaml says of a Delta backend. */
import { z } from 'zod'

const fileUrl = (example: string) => z.string().regex(/^file:/, `must begin with file: (a folder, such as ${example})`)

export const deltaConfig = z.strictObject({
  url: fileUrl('file:./lake').describe('Root below which projects and tables lie: file:./lake'),
  projects: z
    .record(z.string(), z.strictObject({ url: fileUrl('file:/data/globex').describe('Root of this project alone') }))
    .optional()
    .describe('Projects with a root of their own'),
})
export type DeltaConfig = z.infer<typeof deltaConfig>
