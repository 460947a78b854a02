// The page, with the reporter of the manual.
import "./companion-reporter";
import "./main";
