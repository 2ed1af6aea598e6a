/**
 * What the page's script adds to a report that is right without it. It runs in the reader's browser
 * and is bundled into ../pageScript.generated.ts (npm run build:report).
 */
import { offerCopies } from './copies.ts';
import { offerDownloads } from './downloads.ts';
import { readCells } from './heatReading.ts';
import { slideSteps } from './stepSlider.ts';

readCells();
slideSteps();
offerCopies();
offerDownloads();
