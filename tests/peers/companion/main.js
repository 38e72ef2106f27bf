// An unchanged Companion in an Express application, as its documentation has it. Its options come by the environment.
import * as companion from "@uppy/companion";
import express from "express";

const { port, ...options } = JSON.parse(process.env.COMPANION_FOR_TESTS);
const application = express();
application.use(companion.app(options).app);
application.listen(port, "127.0.0.1");
