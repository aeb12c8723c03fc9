# The same over two event nodes of one device: whichever said the deciding thing is named.
device 1 keyboard 7
device 2 keyboard 7
presence present 1
tap 1 KEY_T 2
wait 6
tap 1 KEY_H 2
wait 6
tap 2 KEY_T 2
wait 6
tap 2 KEY_H 2
wait 6
tap 1 KEY_T 2
wait 6
tap 1 KEY_H 2
wait 6
tap 2 KEY_T 2
wait 6
tap 2 KEY_H 2
wait 6
tap 1 KEY_T 2
wait 6
tap 1 KEY_H 2
wait 6
tap 2 KEY_T 2
wait 6
tap 2 KEY_H 2
wait 6
tap 1 KEY_T 2
wait 6
tap 1 KEY_H 2
wait 6
tap 2 KEY_T 2
wait 6
tap 2 KEY_H 2
wait 6
tap 1 KEY_T 2
wait 6
tap 1 KEY_H 2
wait 6
tap 2 KEY_T 2
wait 6
tap 2 KEY_H 2
wait 6

verb cut-off 2
verb lock
verb notify cut-off
alarm injected-keys cut-off-device 2
