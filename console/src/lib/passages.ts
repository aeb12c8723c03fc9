// SPDX-License-Identifier: Apache-2.0
/* passages.ts - texts to type. Plain words, all fingers, written for this page. */

export const PASSAGES: readonly string[] = [
  'The ferry leaves at seven, when the harbour is still grey and quiet. A man in a yellow coat counts ' +
    'the boxes twice, nods, and lets the rope go. By the time the sun is up, the town is a thin line ' +
    'behind us, and somebody has found the coffee.',
  'My grandmother kept a drawer of keys that opened nothing. Each one had a story: a shop in another ' +
    'country, a bicycle lost in the war, a piano sold to pay for a wedding. She never threw one away. ' +
    'You cannot know, she said, which door will come back.',
  'Write the report as if a tired colleague will read it late in the evening. Say what happened, what it ' +
    'means, and what should be done by whom. Leave out the weather. If a number matters, explain where ' +
    'it comes from and how far it can be trusted.',
  'Just before noon the fox crossed the field again, quick and low, with six or seven crows arguing above ' +
    'it. Nobody moved. We had waited behind the wall since dawn, and even the dog seemed to know that ' +
    'this was the moment to keep still.',
];
